# nginx.conf → the same by TLS and HTTP/2, for chat.example.org: README.md beside this file.
#
#     sed -f deploy/nginx/tls.sed -e 's/chat\.example\.org/YOUR.NAME/g' nginx.conf > nginx-tls.conf

/^    server {/i\
    # Plain HTTP only shows the way, and never to a name that a client has made up.\
    server {\
        listen 80 default_server;\
        listen [::]:80 default_server;\
        server_name _;\
        location /.well-known/acme-challenge/ {\
            root /var/lib/claude-gateway-acme;  # certbot certonly --webroot -w /var/lib/claude-gateway-acme\
            default_type text/plain;\
        }\
        location / {\
            return 308 https://chat.example.org$request_uri;\
        }\
    }\
\
    # Whoever asks for another name gets no certificate.\
    server {\
        listen 443 ssl http2 default_server;\
        listen [::]:443 ssl http2 default_server;\
        ssl_reject_handshake on;\
    }\


s|^        listen 8080 default_server;|        listen 443 ssl http2;|
/^        server_name _;/c\
        listen [::]:443 ssl http2;\
        server_name chat.example.org;\
        ssl_certificate     /etc/letsencrypt/live/chat.example.org/fullchain.pem;\
        ssl_certificate_key /etc/letsencrypt/live/chat.example.org/privkey.pem;\
        ssl_protocols TLSv1.2 TLSv1.3;\
        ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;\
        ssl_prefer_server_ciphers off;\
        ssl_session_cache shared:tls:10m;   # about 40,000 sessions\
        ssl_session_timeout 1d;\
        ssl_session_tickets off;            # their key would have to be changed by hand\
        ssl_buffer_size 4k;                 # the first record fits the first packets\
        # One connection carries all streams of a browser; of HTTP/1.1 it opens no more than six to a host.\
        http2_max_concurrent_streams 128;\
        # Two years, this name alone. Add "; includeSubDomains; preload" when all of the domain serves TLS.\
        add_header Strict-Transport-Security "max-age=63072000" always;

# A location with headers of its own forgets those above it.
s|^            add_header Retry-After \$error_retry_after always;|            add_header Strict-Transport-Security "max-age=63072000" always;\n&|

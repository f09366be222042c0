# nginx.conf → the same, with a service beside it that signs people in (GATEWAY_AUTH=proxy): README.md beside this file.
# It is asked about each request to /api/, and about the page; what it shows is under /oauth2/. Here it is oauth2-proxy:
#
#     oauth2-proxy --http-address=127.0.0.1:4180 --reverse-proxy --set-xauthrequest …

# Nobody but the service says who asks: where it has said nothing, the header is empty, and so is not there.
s|proxy_set_header X-Forwarded-User "";|proxy_set_header X-Forwarded-User $signed_in_user;|

/^        location \/api\/ {/i\
        location = / {\
            auth_request /oauth2/auth;\
            proxy_pass http://gateway;\
            proxy_buffering on;\
        }\

/^        location \/api\/ {/a\
            auth_request /oauth2/auth;\
            auth_request_set $signed_in_user $upstream_http_x_auth_request_user;    # or …_email, if yours checks them

/^        location = \/api\/chat {/a\
            auth_request /oauth2/auth;\
            auth_request_set $signed_in_user $upstream_http_x_auth_request_user;

/^        # For the inside only: scrape/i\
        location /oauth2/ {\
            proxy_pass http://127.0.0.1:4180;\
            proxy_buffering on;\
        }\
        location = /oauth2/auth {\
            internal;\
            proxy_pass http://127.0.0.1:4180;\
            proxy_pass_request_body off;\
            proxy_set_header Content-Length "";\
            proxy_set_header Host $http_host;\
            proxy_set_header X-Real-IP $remote_addr;\
            proxy_set_header X-Forwarded-Proto $scheme;\
        }\
        # The page leads to signing in. What programs and the page's scripts ask, the gateway answers: 401, in its shape.\
        error_page 401 = @signed_out;\
        location @signed_out {\
            set $signed_in_user "";\
            if ($request_uri ~ "^/(?:\\?|$)") {\
                return 302 /oauth2/start?rd=%2F;\
            }\
            proxy_pass http://gateway;\
        }\


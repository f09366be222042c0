# nginx.conf → nginx in front of several gateways, each a process of its own: README.md beside this file.
#
#     sed -f deploy/nginx/replicas.sed nginx.conf > nginx-replicas.conf
#
# Here they are "one" and "two" (GATEWAY_REPLICA), on 127.0.0.1:8001 and :8002 (GATEWAY_PORT). For a third: one more
# line in "map … $gateway", one more upstream of its own, one more server in "any_gateway".

s|proxy_pass http://gateway;|proxy_pass http://$gateway;|

/^    upstream gateway {/,/^    }/c\
    # Generations and browsers' sessions live in the memory of one gateway, whose name stands at their end:\
    # an id names its gateway, whether in the path or, for a WebSocket that resumes, as ?id=\
    map "$uri?$arg_id" $gateway_of_id {\
        "~^/api/chat/g_[0-9a-f]+_(?<named>[a-z0-9-]+)(?:/stream)?\\?" $named;\
        "~^/api/chat/ws\\?g_[0-9a-f]+_(?<asked>[a-z0-9-]+)$" $asked;\
        default "";\
    }\
    # What else a browser that has signed in asks, the gateway that knows its session answers.\
    map $http_cookie $gateway_of_session {\
        "~(?:^|;\\s*)(?:__Host-)?claude-gateway=[A-Za-z0-9_-]+\\.(?<signed>[a-z0-9-]+)" $signed;\
        default "";\
    }\
    map $gateway_of_id $gateway_named {\
        "" $gateway_of_session;\
        default $gateway_of_id;\
    }\
    map $gateway_named $gateway {\
        one gateway_one;\
        two gateway_two;\
        default any_gateway;            # a new question, or the name of a gateway that is no more\
    }\
\
    # One server each, so that nothing is tried elsewhere: nobody else has what is asked for. When it is down, that is a\
    # 502; a browser tries again, and when it is back without its memory, that is a 404.\
    upstream gateway_one {\
        server 127.0.0.1:8001;\
        keepalive 64;\
        keepalive_timeout 60s;          # below the gateway's 75 s\
        keepalive_requests 10000;\
    }\
    upstream gateway_two {\
        server 127.0.0.1:8002;\
        keepalive 64;\
        keepalive_timeout 60s;\
        keepalive_requests 10000;\
    }\
\
    # A question with an Idempotency-Key goes where the same key went before, and so does DELETE /api/chat; others go\
    # anywhere. When that gateway takes no connection, its memory is gone, and another one answers anew.\
    map $http_idempotency_key $spread_by {\
        "" $request_id;\
        default $http_idempotency_key;\
    }\
    upstream any_gateway {\
        hash $spread_by consistent;\
        server 127.0.0.1:8001;\
        server 127.0.0.1:8002;\
        keepalive 64;\
        keepalive_timeout 60s;\
        keepalive_requests 10000;\
    }

# A gateway that is only slow has its memory still: the same question to another one would be billed twice.
s|proxy_next_upstream error timeout;|proxy_next_upstream error;|

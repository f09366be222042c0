# nginx.conf → nginx in front of the pods of the StatefulSet claude-gateway: README.md beside this file.
# It needs nginx 1.27.3 or later ("server … resolve").

s|proxy_pass http://gateway;|proxy_pass http://$gateway;|

# TLS ends in front of nginx, and who does that says so. Whoever else says so gets a cookie that plain HTTP does not send back.
s|X-Forwarded-Proto \$scheme;|X-Forwarded-Proto $scheme_in_front;|
/^    upstream gateway {/i\
    map $http_x_forwarded_proto $scheme_in_front {\
        https https;\
        default $scheme;\
    }\


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
    # Pods come and go, so names are looked up again and again.\
    resolver kube-dns.kube-system.svc.cluster.local valid=5s;\
    map $gateway_named $gateway {\
        "~^(?<pod>claude-gateway-\\d+)$" $pod.claude-gateway-each.claude-gateway.svc.cluster.local:8000;\
        default any_gateway;            # a new question\
    }\
\
    # A question with an Idempotency-Key goes where the same key went before, and so does DELETE /api/chat; others go\
    # anywhere. When that gateway takes no connection, its memory is gone, and another one answers anew.\
    map $http_idempotency_key $spread_by {\
        "" $request_id;\
        default $http_idempotency_key;\
    }\
    upstream any_gateway {\
        zone any_gateway 128k;\
        hash $spread_by consistent;\
        server claude-gateway-pods.claude-gateway.svc.cluster.local:8000 resolve;\
        keepalive 64;\
        keepalive_timeout 60s;\
        keepalive_requests 10000;\
    }

# A gateway that is only slow has its memory still: the same question to another one would be billed twice.
s|proxy_next_upstream error timeout;|proxy_next_upstream error;|

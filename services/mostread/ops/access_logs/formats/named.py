"""Formats with a fixed layout, as templates: CDNs, load balancers, proxies."""

from mostread.ops.access_logs.formats.log_format import FormatFactory
from mostread.ops.access_logs.formats.template import factory

_TEMPLATES = {
    # Elastic Load Balancing; the fields after the user agent have grown over the years.
    "alb": (
        "$type $time_iso8601 $elb $remote_addr:$remote_port $target $request_processing_time"
        " $target_processing_time $response_processing_time $status $target_status"
        ' $received_bytes $sent_bytes "$request" "$http_user_agent"$rest'
    ),
    "elb": (
        "$time_iso8601 $elb $remote_addr:$remote_port $backend $request_processing_time"
        " $backend_processing_time $response_processing_time $status $backend_status"
        ' $received_bytes $sent_bytes "$request" "$http_user_agent"$rest'
    ),
    "s3": (
        "$bucket_owner $host [$time_local] $remote_addr $requester $request_id $operation $key"
        ' "$request" $status $error_code $bytes_sent $object_size $total_time $turn_around_time'
        ' "$http_referer" "$http_user_agent"$rest'
    ),
    # Nginx Proxy Manager for proxy hosts, and for its other hosts.
    "npm": (
        "[$time_local] $upstream_cache_status $upstream_status $status - $request_method $scheme"
        ' $host "$request_uri" [Client $remote_addr] [Length $body_bytes_sent] [Gzip $gzip_ratio]'
        ' [Sent-to $server] "$http_user_agent" "$http_referer"$rest'
    ),
    "npm-standard": (
        '[$time_local] $status - $request_method $scheme $host "$request_uri"'
        " [Client $remote_addr] [Length $body_bytes_sent] [Gzip $gzip_ratio]"
        ' "$http_user_agent" "$http_referer"$rest'
    ),
    "envoy": (
        '[$time_iso8601] "$request" $status $response_flags $bytes_received $bytes_sent $duration'
        ' $upstream_service_time "$http_x_forwarded_for" "$http_user_agent" "$request_id"'
        ' "$http_host" "$upstream_host"$rest'
    ),
    "istio": (
        '[$time_iso8601] "$request" $status $response_flags $response_code_details'
        ' $connection_termination_details "$upstream_transport_failure_reason" $bytes_received'
        ' $bytes_sent $duration $upstream_service_time "$http_x_forwarded_for" "$http_user_agent"'
        ' "$request_id" "$http_host" "$upstream_host"$rest'
    ),
    "bunny": (
        "$cache_status|$status|$msec|$bytes_sent|$pull_zone|$remote_addr|$http_referer|$url"
        "|$edge_location|$http_user_agent|$request_id|$country"
    ),
}

FORMATS: dict[str, FormatFactory] = {name: factory(name, text) for name, text in _TEMPLATES.items()}

/** Names that Nginx knows (1.26 with Debian's modules). */

/** Families of directives; within one, any name counts as known. */
const families =
  /^(access|add|aio|alias|auth|autoindex|break|charset|chunked|client|connection|daemon|debug|default|deny|allow|directio|empty|env|error|etag|events|expires|fastcgi|flv|geo|grpc|gunzip|gzip|hash|http|http2|if|ignore|image|index|internal|ip|keepalive|large|least|limit|lingering|listen|load|location|lock|log|map|master|match|max|memcached|merge|min|mirror|modern|mp4|msie|multi|open|output|override|pcre|perl|pid|port|postpone|preread|proxy|random|read|real|recursive|referer|request|reset|resolver|return|rewrite|root|satisfy|scgi|secure|send|sendfile|server|set|slice|smtp|source|spdy|split|ssi|ssl|state|status|stream|stub|sub|subrequest|tcp|thread|timer|try|types|underscores|uninitialized|upstream|use|user|userid|uwsgi|valid|variables|worker|xslt|zone)(_[a-z0-9_]+)?$/;

export function isKnownDirective(name: string): boolean {
  return families.test(name);
}

const variables = new Set(
  (
    "args binary_remote_addr body_bytes_sent bytes_sent connection connection_requests content_length content_type " +
    "document_root document_uri fastcgi_path_info fastcgi_script_name host hostname https is_args limit_rate msec " +
    "nginx_version pid pipe query_string realpath_root remote_addr remote_port remote_user request request_body " +
    "request_body_file request_completion request_filename request_id request_length request_method request_time " +
    "request_uri scheme server_addr server_name server_port server_protocol status time_iso8601 time_local uri http2"
  ).split(" "),
);

const variableFamilies =
  /^(arg|cookie|http|sent_http|sent_trailer|ssl|upstream|proxy|proxy_protocol|realip|geoip)_\w+$|^\d$/;

export function isKnownVariable(name: string): boolean {
  return variables.has(name) || variableFamilies.test(name);
}

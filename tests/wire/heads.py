"""Heads as programs really send them, and whether the fast path takes them: the corpus of its property."""

from __future__ import annotations


def _head(text: str) -> bytes:
    return text.strip("\n").replace("\n", "\r\n").encode() + b"\r\n\r\n"


CHROME = """
GET /planning/search?q=loft+conversion&ward=3 HTTP/1.1
Host: www.anytown.gov.uk
Connection: keep-alive
sec-ch-ua: "Chromium";v="142", "Not_A Brand";v="24"
sec-ch-ua-mobile: ?0
sec-ch-ua-platform: "Windows"
Upgrade-Insecure-Requests: 1
User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8
Sec-Fetch-Site: same-origin
Sec-Fetch-Mode: navigate
Referer: http://www.anytown.gov.uk/planning
Accept-Encoding: gzip, deflate, br
Accept-Language: en-GB,en;q=0.9
Cookie: JSESSIONID=4F1C2A9B77D04E5C8A61B0D2E3F49A10; cookies_policy=%7B%22essential%22%3Atrue%7D
"""
CHROME_POST = """
POST /repairs/report HTTP/1.1
Host: www.anytown.gov.uk:8080
Connection: keep-alive
Content-Length: 48
Cache-Control: max-age=0
Origin: http://www.anytown.gov.uk:8080
Content-Type: application/x-www-form-urlencoded
Accept: text/html
Accept-Language: en-GB
"""
FIREFOX = """
GET / HTTP/1.1
Host: www.anytown.gov.uk
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8
Accept-Language: en-GB,en;q=0.7,cy;q=0.3
Accept-Encoding: gzip, deflate, br, zstd
Connection: keep-alive
Cookie: JSESSIONID=4F1C2A9B
Upgrade-Insecure-Requests: 1
Priority: u=0, i
"""
FIREFOX_POST = """
POST /login HTTP/1.1
Host: www.anytown.gov.uk
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0
Accept: */*
Content-Type: application/x-www-form-urlencoded
Content-Length: 32
Origin: http://www.anytown.gov.uk
Connection: keep-alive
Referer: http://www.anytown.gov.uk/login
"""
SAFARI = """
GET /housing HTTP/1.1
Host: www.anytown.gov.uk
Upgrade-Insecure-Requests: 1
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8
User-Agent: Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile
Accept-Language: en-GB,en;q=0.9
Accept-Encoding: gzip, deflate
Connection: keep-alive
"""
AJAX = """
GET /api/bins?uprn=100012345678 HTTP/1.1
Host: www.anytown.gov.uk
Connection: keep-alive
X-Requested-With: XMLHttpRequest
X-CSRF-Token: abc
If-None-Match: W/"5f"
Accept: application/json
"""
CURL = """
GET / HTTP/1.1
Host: localhost:8080
User-Agent: curl/8.5.0
Accept: */*
"""
CURL_UPLOAD = """
PUT /plans/7.pdf HTTP/1.1
Host: www.anytown.gov.uk
User-Agent: curl/8.5.0
Accept: */*
Content-Length: 1048577
Expect: 100-continue
"""
REQUESTS_LIBRARY = """
GET /feed HTTP/1.1
Host: www.anytown.gov.uk
User-Agent: python-requests/2.32.5
Accept-Encoding: gzip, deflate
Accept: */*
Connection: keep-alive
"""
GO = """
GET /feed HTTP/1.1
Host: www.anytown.gov.uk
User-Agent: Go-http-client/1.1
Accept-Encoding: gzip
"""
BOT = """
GET /robots.txt HTTP/1.1
Host: www.anytown.gov.uk
Connection: keep-alive
Accept: text/plain,text/html,*/*
User-Agent: Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)
From: googlebot(at)googlebot.com
Accept-Encoding: gzip, deflate, br
"""
MONITOR = """
HEAD /health HTTP/1.1
Host: 10.0.0.5
User-Agent: check_http/v2.3.3
Connection: close
"""
BENCH = """
GET / HTTP/1.0
Host: www.anytown.gov.uk
User-Agent: ApacheBench/2.3
Accept: */*
"""
BALANCED = """
GET / HTTP/1.1
X-Forwarded-For: 203.0.113.9
Host: www.anytown.gov.uk
X-Forwarded-Proto: https
User-Agent: Mozilla/5.0
"""
SOCKET = """
GET /live HTTP/1.1
Host: www.anytown.gov.uk
Connection: Upgrade
Upgrade: websocket
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
"""
STREAMED = """
POST /upload HTTP/1.1
Host: www.anytown.gov.uk
Transfer-Encoding: chunked
Content-Type: text/plain
"""
ABSOLUTE = """
GET http://www.anytown.gov.uk/ HTTP/1.1
Host: www.anytown.gov.uk
"""

REQUESTS: dict[str, tuple[bytes, bool]] = {
    "Chrome": (_head(CHROME), True),
    "Chrome posts": (_head(CHROME_POST), True),
    "Firefox": (_head(FIREFOX), True),
    "Firefox posts": (_head(FIREFOX_POST), True),
    "Safari": (_head(SAFARI), True),
    "a script of a page": (_head(AJAX), True),
    "curl": (_head(CURL), True),
    "curl uploads": (_head(CURL_UPLOAD), True),
    "requests": (_head(REQUESTS_LIBRARY), True),
    "Go": (_head(GO), True),
    "a robot": (_head(BOT), True),
    "a monitor that closes": (_head(MONITOR), False),
    "HTTP/1.0": (_head(BENCH), False),
    "behind a balancer": (_head(BALANCED), False),
    "a WebSocket": (_head(SOCKET), False),
    "a chunked body": (_head(STREAMED), False),
    "an absolute target": (_head(ABSOLUTE), False),
}

NGINX = """
HTTP/1.1 200 OK
Server: nginx/1.22.1
Date: Wed, 25 Nov 2026 08:57:54 GMT
Content-Type: text/html
Content-Length: 1024
Connection: keep-alive
"""
APACHE = """
HTTP/1.1 200 OK
Date: Wed, 25 Nov 2026 08:57:54 GMT
Server: Apache/2.4.62 (Debian)
Last-Modified: Mon, 01 Sep 2025 09:00:00 GMT
ETag: "29cd-63d1"
Accept-Ranges: bytes
Content-Length: 10701
Vary: Accept-Encoding
Keep-Alive: timeout=5, max=100
Connection: Keep-Alive
Content-Type: text/html
"""
GUNICORN = """
HTTP/1.1 200 OK
Server: gunicorn
Date: Wed, 25 Nov 2026 08:57:54 GMT
Connection: keep-alive
Content-Type: text/html; charset=utf-8
X-Frame-Options: DENY
Content-Length: 2048
Vary: Cookie
Set-Cookie: csrftoken=abc; expires=Wed, 24 Nov 2027 08:57:54 GMT; Max-Age=31449600; Path=/; SameSite=Lax
Set-Cookie: sessionid=def; HttpOnly; Path=/
"""
NODE = """
HTTP/1.1 304 Not Modified
X-Powered-By: Express
ETag: W/"c-Lve95gjOVATpfV8EL5X4nxwjKHE"
Date: Wed, 25 Nov 2026 08:57:54 GMT
Connection: keep-alive
Keep-Alive: timeout=5
Content-Length: 0
"""
IIS = """
HTTP/1.1 200 OK
Cache-Control: private
Content-Type: text/html; charset=utf-8
Server: Microsoft-IIS/10.0
X-AspNet-Version: 4.0.30319
X-Powered-By: ASP.NET
Date: Wed, 25 Nov 2026 08:57:54 GMT
Content-Length: 5120
"""
NO_DATE = """
HTTP/1.1 404 Not Found
Content-Length: 9
Strict-Transport-Security: max-age=5
"""
TOMCAT = """
HTTP/1.1 200
Content-Type: text/html;charset=UTF-8
Transfer-Encoding: chunked
Date: Wed, 25 Nov 2026 08:57:54 GMT
"""
UVICORN = """
HTTP/1.1 200 OK
date: Wed, 25 Nov 2026 08:57:54 GMT
server: uvicorn
content-length: 2
content-type: application/json
"""
CLOSES = """
HTTP/1.1 200 OK
Content-Length: 5
Connection: close
"""
EMPTY = """
HTTP/1.1 204 No Content
Date: Wed, 25 Nov 2026 08:57:54 GMT
"""
EMPTY_WITH_A_LENGTH = """
HTTP/1.1 204 No Content
Content-Length: 0
"""
OLD = """
HTTP/1.0 200 OK
Content-Type: text/html
"""

REPLIES: dict[str, tuple[bytes, bool]] = {
    "nginx": (_head(NGINX), True),
    "Apache": (_head(APACHE), True),
    "gunicorn": (_head(GUNICORN), True),
    "Node": (_head(NODE), True),
    "IIS": (_head(IIS), True),
    "without a date": (_head(NO_DATE), True),
    "Tomcat": (_head(TOMCAT), False),
    "uvicorn": (_head(UVICORN), False),
    "closes": (_head(CLOSES), False),
    "no content": (_head(EMPTY), False),
    "no content, and its length": (_head(EMPTY_WITH_A_LENGTH), False),
    "HTTP/1.0": (_head(OLD), False),
}

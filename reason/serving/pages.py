"""The page at ``/`` with its files, and the headers of every response."""

from __future__ import annotations

from flask import Flask, Response, send_from_directory

from reason.resources import PAGE

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""Own files only; images also from the page itself, which shows what the user chose."""

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # A verdict is true for one request. Files of the page say themselves how they may be cached.
    "Cache-Control": "no-store",
}


def register(app: Flask) -> None:
    """Serve the page, and put the security headers on every response."""

    @app.get("/")
    def index() -> Response:
        """Show the page."""
        return send_from_directory(PAGE, "index.html")

    @app.get("/favicon.ico")
    def favicon() -> Response:
        """Show the icon of the page, for browsers that ask for this name."""
        return send_from_directory(PAGE / "static", "favicon.svg")

    @app.after_request
    def secure(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        # Sending a file sets it, and so does every server: the client would get it twice.
        response.headers.pop("Date", None)
        return response

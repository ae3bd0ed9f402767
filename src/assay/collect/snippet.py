"""The tag that loads the script, with what a content security policy has to allow for it."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from urllib.parse import urlsplit

from assay.collect.scripts import EXPERIMENTS, LATER, MODULES

# Calls before the script has come are kept; where it never comes, nobody is in a test and nothing breaks.
STUB = (
    "(function(w){var a=w.assay=w.assay||function(n,p){a.q.push([n,p])};a.q=a.q||[];"
    '["page","identify","consent"].forEach(function(m){a[m]=a[m]||function(x,y){a.q.push([x,y,m])}});'
    "a.id=a.id||function(){};a.variant=a.variant||function(){}})(window)"
)


@dataclass(frozen=True)
class Tag:
    """What a page needs to say. ``modules`` of ``MODULES`` and ``LATER``; ``mode``: cookieless, consented, identified.

    ``nonce``: of the page's policy. ``stub``: whether calls may come before the script; else nothing is inline. With
    experiments the script is not deferred: the variant has to be known before the page is drawn.
    """

    host: str
    key: str
    modules: tuple[str, ...] = ()
    domains: str = ""
    mode: str = ""
    nonce: str = ""
    stub: bool = True

    @property
    def source(self) -> str:
        """Address of the script."""
        names = [name for name in MODULES if name in self.modules]
        return f"{self.host}/{'.'.join(('assay', *names, 'js'))}"

    @property
    def html(self) -> str:
        """The tag for the head of a page."""
        nonce = f' nonce="{escape(self.nonce)}"' if self.nonce else ""
        given = [
            ("domains", self.domains),
            ("mode", self.mode),
            *((name, "on") for name in LATER if name in self.modules),
        ]
        more = "".join(f' data-{name}="{escape(value)}"' for name, value in given if value)
        how = "" if EXPERIMENTS in self.modules else "defer "
        stub = f"<script{nonce}>{STUB}</script>\n" if self.stub else ""
        return f'{stub}<script {how}src="{escape(self.source)}"{nonce} data-key="{escape(self.key)}"{more}></script>'

    @property
    def policy(self) -> dict[str, str]:
        """Sources to add to a content security policy, by directive."""
        parts = urlsplit(self.host)
        origin = f"{parts.scheme}://{parts.netloc}"
        inline = (
            f"'nonce-{self.nonce}'" if self.nonce else f"'sha256-{b64encode(sha256(STUB.encode()).digest()).decode()}'"
        )
        return {"script-src": f"{origin} {inline}" if self.stub else origin, "connect-src": origin}

"""Names as a stranger might give them to classes, files and metrics: each is an attack if it is ever read as HTML."""

PAYLOADS = [
    "<img src=x onerror=window.pwned=1>",
    "<script>window.pwned=1</script>",
    "<svg onload=window.pwned=1>",
    '"><img src=x onerror=window.pwned=1>',
    "'><svg onload=window.pwned=1>",
    '" onmouseover="window.pwned=1" x="',
    "' autofocus onfocus=window.pwned=1 x='",
    "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    "<details open ontoggle=window.pwned=1>",
    "</td></tr></table><img src=x onerror=window.pwned=1>",
    "</style><script>window.pwned=1</script>",
    "</title></textarea><img src=x onerror=window.pwned=1>",
    "<style>*{display:none!important}</style>",
    "<a href=javascript:window.pwned=1>press</a>",
    "<math><mtext><img src=x onerror=window.pwned=1></mtext></math>",
    "&lt;img src=x onerror=window.pwned=1&gt;",
    "<!--><img src=x onerror=window.pwned=1>-->",
    "<template><img src=x onerror=window.pwned=1></template>",
    "${window.pwned=1}{{constructor.constructor('window.pwned=1')()}}",
    "<b style=position:fixed;inset:0>bold</b>",
]
"""Twenty of them; any that runs sets ``window.pwned``."""

INTRUDERS = (
    "img:not([src^='data:']):not([src^='blob:']), script, iframe, style, a, b, math, template, [onload], [onerror]"
)
"""What none of our widgets draws by itself."""


def as_file_name(payload: str) -> str:
    """The payload as far as a file may be called so."""
    return payload.replace("/", "\N{FRACTION SLASH}")

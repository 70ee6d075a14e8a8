"""Texts that attack whoever shows them as anything but text. Each would set ``window.hacked`` or open a dialog."""

CANARY = "canary-5d41402abc4b2a76"

ATTACKS = [
    "<img src=x onerror=window.hacked=1>",
    "<script>window.hacked=1</script>",
    "</script><script>window.hacked=1</script>",
    "</textarea><svg onload=window.hacked=1>",
    "</pre></td></table><iframe srcdoc='<script>parent.hacked=1</script>'>",
    '" autofocus onfocus="window.hacked=1',
    "<a href='javascript:window.hacked=1'>click</a>",
    "<details open ontoggle=alert(1)>",
    "&lt;img src=x onerror=window.hacked=1&gt;",
    "${window.hacked=1}",
    "[click](javascript:window.hacked=1)",
    "<style>* { display: none }</style>",
]
TEMPLATE = "{{ cycler.__init__.__globals__.os.getcwd() }}"
"""A template that jupysql would run; kept apart because the guard refuses it inside SQL."""

DECEPTIONS = {
    "abc\u202edcba": "abc⟨U+202E⟩dcba",
    "\x1b[31mred\x1b[0m": "␛[31mred␛[0m",
    "zero\u200bwidth": "zero⟨U+200B⟩width",
    "nul\x00byte": "nul␀byte",
}

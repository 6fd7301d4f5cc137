"""Elements of a page that are redrawn by sending only what has changed."""

from __future__ import annotations

import json

from nicegui import ui

from lab.web.marks import Mark, changes, text_of

SCRIPT = """<script>
window.labChange = (changes) => {
  for (const [id, key, value] of changes) {
    const element = document.getElementById(id);
    if (!element) continue;
    if (key === 'text') element.textContent = value;
    else if (key === 'inner') {
      const had = element.contains(document.activeElement) ? document.activeElement.id : '';
      element.innerHTML = value;
      if (had) document.getElementById(had)?.focus();
    }
    else if (value === null) element.removeAttribute(key);
    else element.setAttribute(key, value);
  }
};
window.labBack = (what) => {
  const same = window.labOpener?.isConnected && window.labOpener.dataset.what === what;
  (same ? window.labOpener : document.querySelector(`[data-what="${what}"]`))?.focus();
};
window.labToEnd = (id) => requestAnimationFrame(() => {
  const element = document.getElementById(id);
  if (element) element.scrollTop = element.scrollHeight;
});
window.labWatchWidth = (id) => {
  let told = 0;
  new ResizeObserver(([entry]) => {
    const width = Math.floor(entry.contentRect.width / 20) * 20;
    if (width !== told) emitEvent('lab-width', told = width);
  }).observe(document.getElementById(id));
};
</script>"""
"""For the head of a page with such elements."""
CLICKED = """(event) => {
  const what = event.target.closest('[data-what]');
  if (what) emit((window.labOpener = what).dataset.what);
}"""
PRESSED = """(event) => {
  const what = event.target.closest('[data-what]');
  if (!what || what.tagName === 'BUTTON' || (event.key !== 'Enter' && event.key !== ' ')) return;
  event.preventDefault();
  emit((window.labOpener = what).dataset.what);
}"""
"""What is emitted for a click, or a press of Enter or the space bar, inside an element: the
`data-what` of what was meant."""


class LiveMark:
    """A place in a page for a `Mark` that changes."""

    def __init__(self) -> None:
        self.element = ui.html("", sanitize=False)
        self._sent: Mark | None = None

    def show(self, now: Mark) -> None:
        """Have the page show it."""
        before, self._sent = self._sent, now
        if before is None or before.tag != now.tag or before.name != now.name:
            self.element.set_content(text_of(now))
        elif found := changes(before, now):
            with self.element:
                ui.run_javascript(f"labChange({json.dumps(found)})")

    def clear(self) -> None:
        """Have the page show nothing there."""
        if self._sent is not None:
            self._sent = None
            self.element.set_content("")

"""What a demonstration has told, as a viewer reads, sees and hears it."""

from __future__ import annotations

import base64

from nicegui import html

from lab.demo.lines import (
    ChoiceAsked,
    DrawingShown,
    Headline,
    Heard,
    NumberAsked,
    Paragraph,
    TableShown,
)
from lab.web.demonstrations.transcript import Answered, Told


def tell(told: Told, number: int, sounds: str) -> None:
    """Show it here; it is the one of that `number`, and what it lets hear is below `sounds`."""
    match told:
        case Headline(text):
            (html.h1 if number == 0 else html.h2)(text)
        case Paragraph(text):
            html.p(text)
        case TableShown():
            _table(told)
        case DrawingShown(caption, svg):
            picture = base64.b64encode(svg.encode()).decode("ascii")
            with html.figure():
                image = html.img()
                image.props["src"] = f"data:image/svg+xml;base64,{picture}"
                image.props["alt"] = caption
                html.figcaption(caption)
        case Heard(caption):
            with html.figure():
                html.figcaption(caption)
                sound = html.audio().props("controls preload=metadata")
                sound.props["src"] = f"{sounds}/{number}"
                sound.props["aria-label"] = caption
        case Answered(ChoiceAsked() as asked, given):
            html.p(asked.question.text)
            with html.ul().classes("demo-choices"):
                for choice in range(len(asked.question.choices)):
                    html.li(
                        asked.question.answer(choice) + (" (answered)" if choice == given else "")
                    ).classes("demo-given" if choice == given else "")
        case Answered(NumberAsked() as asked, given):
            html.p(f"{asked.text} {given}")


def _table(told: TableShown) -> None:
    region = html.div().classes("demo-scroll").props('role="region" tabindex="0"')
    region.props["aria-label"] = told.title
    with region, html.table():
        html.caption(told.title)
        with html.thead(), html.tr():
            for column, title in enumerate(told.columns):
                html.th(title).props('scope="col"').classes("name" if column < told.names else "")
        with html.tbody():
            for row in told.rows:
                with html.tr():
                    for column, cell in enumerate(row):
                        html.td(cell).classes("name" if column < told.names else "")

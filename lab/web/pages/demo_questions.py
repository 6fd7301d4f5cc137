"""What a demonstration asks, as a viewer answers it: by mouse, by keyboard, by touch."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import html, ui
from nicegui.events import GenericEventArguments

from lab.demo.lines import ChoiceAsked, NameAsked, NumberAsked
from lab.web.demonstrations.slider import POSITIONS, Slider
from lab.web.demonstrations.transcript import Asked


def ask(asked: Asked, answer: Callable[[int | str], None]) -> None:
    """Ask it here; `answer` is told the choice counted from 0, the number, or the name."""
    with html.fieldset():
        match asked:
            case ChoiceAsked():
                _ask_choice(asked, answer)
            case NumberAsked():
                _ask_number(asked, answer)
            case NameAsked():
                _ask_name(answer)


def _ask_choice(asked: ChoiceAsked, answer: Callable[[int | str], None]) -> None:
    chosen: list[int] = []

    def choose(choice: int) -> None:
        chosen[:] = [choice]
        button.enable()

    html.legend(asked.question.text)
    for choice in range(len(asked.question.choices)):
        with html.label():
            radio = html.input_().props(f'type="radio" name="choice" value="{choice}"')
            radio.on("change", lambda choice=choice: choose(choice), [])
            html.span(asked.question.answer(choice))
    button = ui.button("Answer", on_click=lambda: answer(chosen[0])).props("no-caps")
    button.disable()


def _ask_number(asked: NumberAsked, answer: Callable[[int | str], None]) -> None:
    slider = Slider(asked.low, asked.high)

    def fitting() -> int | None:
        """The number that stands there; None where it is none that can be given."""
        value = number.value
        fits = value is not None and value == int(value) and asked.low <= value <= asked.high
        return int(value) if fits else None

    def moved(event: GenericEventArguments) -> None:
        number.set_value(slider.number(int(event.args)))

    def changed() -> None:
        value = fitting()
        button.set_enabled(value is not None)
        if value is not None:
            handle.props["value"] = slider.position(value)
            handle.props["aria-valuetext"] = str(value)

    def go() -> None:
        value = fitting()
        if value is not None:
            answer(value)

    html.legend(asked.text)
    with ui.row().classes("items-center gap-4 w-full"):
        handle = html.input_().props(f'type="range" min="0" max="{POSITIONS}" step="1"')
        handle.props["aria-label"] = asked.text
        handle.on("input", moved, js_handler="(event) => emit(event.target.value)", throttle=0.05)
        number = ui.number(value=asked.proposed, min=asked.low, max=asked.high, step=1, format="%d")
        number.props("dense outlined").props["aria-label"] = f"{asked.text} As a number"
        number.classes("w-32").on_value_change(changed)
        number.on("keydown.enter", go)
    html.p(f"{asked.low} to {asked.high}; proposed: {asked.proposed}.").classes("lab-quiet")
    button = ui.button("Go", on_click=go).props("no-caps")
    changed()


def _ask_name(answer: Callable[[int | str], None]) -> None:
    html.legend("Who hands the record in?")
    name = ui.input("Your name, for the record; it may stay empty").props("outlined dense")
    name.classes("w-full").style("max-width: 28rem")
    name.on("keydown.enter", lambda: answer(name.value or ""))
    ui.button("Begin", on_click=lambda: answer(name.value or "")).props("no-caps").classes(
        "q-mt-sm"
    )

"""Names in Chinese, Japanese and Korean are drawn as they are; without a font for them the picture says so."""

from __future__ import annotations

import io

import pytest
from matplotlib.axes import Axes
from matplotlib.font_manager import fontManager
from PIL import Image, ImageChops

from reports import doctor
from reports.rendering import drawing, fonts
from reports.rendering.drawing import NO_FONT, ChartOptions
from reports.tests.test_plots import YEAR, allocated, net_worth_plot, texts
from strata.doctor import Level
from strata.text import short

pytestmark = pytest.mark.on_sqlite

PNG = ChartOptions("png")
SCRIPTS = {
    "Chinese": ("银行存款", "家庭资产"),
    "Traditional Chinese": ("國債基金", "銀行貸款"),
    "Japanese": ("ふるさとの", "おかねのと"),
    "Korean": ("서울아파트", "부산자동차"),
}


def forget() -> None:
    for cached in (fonts.cjk_family, fonts._fonts, drawing._matplotlib):
        cached.cache_clear()


@pytest.fixture
def no_font(monkeypatch):
    """A server on which none of the fonts is installed."""
    with monkeypatch.context() as patch:
        patch.setattr(fonts, "CJK", ())
        forget()
        yield
    forget()


def differ(png: bytes, other: bytes) -> bool:
    first, second = (Image.open(io.BytesIO(content)).convert("RGB") for content in (png, other))
    return ImageChops.difference(first, second).getbbox() is not None


def says_that_letters_are_missing(monkeypatch, draw) -> bool:
    """Whether the note of a PNG ends with the warning; it is captured, as text cannot be read from a PNG."""
    notes = []
    with monkeypatch.context() as patch:
        usual = Axes.set_title
        patch.setattr(
            Axes, "set_title", lambda axes, note, **how: (notes.append(note), usual(axes, note, **how))[1]
        )
        draw()
    return notes[-1].endswith(str(NO_FONT))


@pytest.mark.parametrize("script", SCRIPTS)
def test_letters_are_drawn_as_they_are(script, monkeypatch):
    """Boxes would be the same whatever the letters."""
    text, other = SCRIPTS[script]
    assert differ(allocated(text, options=PNG), allocated(other, options=PNG))
    assert differ(
        net_worth_plot(YEAR, currency="EUR", title=text, options=PNG),
        net_worth_plot(YEAR, currency="EUR", title=other, options=PNG),
    )
    assert not says_that_letters_are_missing(monkeypatch, lambda: allocated(text, options=PNG))


@pytest.mark.parametrize("script", SCRIPTS)
def test_without_a_font_the_picture_says_so(script, no_font, monkeypatch):
    text, other = SCRIPTS[script]
    assert not differ(allocated(text, options=PNG), allocated(other, options=PNG))
    assert says_that_letters_are_missing(monkeypatch, lambda: allocated(text, options=PNG))
    assert says_that_letters_are_missing(
        monkeypatch, lambda: net_worth_plot(YEAR, currency="EUR", title=text, options=PNG)
    )


def test_letters_of_any_writing_that_no_font_has_are_reported(monkeypatch):
    assert says_that_letters_are_missing(monkeypatch, lambda: allocated("ภาษาไทย", options=PNG))
    assert not says_that_letters_are_missing(
        monkeypatch, lambda: allocated("Größe Ωμέγα Привет שלום", options=PNG)
    )


def test_an_svg_leaves_the_fonts_to_its_reader(no_font):
    said = texts(allocated("银行存款"))
    assert "银行存款" in said
    assert not any(str(NO_FONT) in (text or "") for text in said)


def test_doctor_names_the_font():
    assert list(doctor.fonts_of_the_pictures()) == [
        (Level.OK, f"pictures have DejaVu Sans and {fonts.cjk_family()}")
    ]


def test_doctor_says_what_to_install_where_there_is_none(no_font):
    ((level, message),) = doctor.fonts_of_the_pictures()
    assert level == Level.WARN
    assert "fonts-noto-cjk" in message


def test_a_font_that_was_installed_after_the_first_picture_is_found(monkeypatch):
    known = [font for font in fontManager.ttflist if "CJK" not in font.name]
    monkeypatch.setattr(fontManager, "ttflist", known)
    fonts.cjk_family.cache_clear()
    assert fonts.cjk_family() in fonts.CJK


def test_a_wide_letter_takes_the_room_of_two():
    assert short("银" * 5, 10) == "银" * 5
    assert short("银" * 6, 10) == "银" * 4 + "…"
    assert short("a" * 11, 10) == "a" * 9 + "…"
    assert short("a银" * 4, 10) == "a银a银a银…"

"""What the mails say: complete in both parts, in the reader's language, safe with text from strangers."""

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.utils import timezone

from accounts.mails import codes
from accounts.mails.checks import templates_can_be_read
from accounts.mails.models import Mail
from accounts.mails.rendering import DISOWN_PATH, OWN_TEMPLATES, PARTS, PATHS, SIGN_IN_PATH, SIGN_UP_PATH, render
from accounts.mails.templates import Template
from tests.documents import ROOT
from tests.factories import make_client
from tests.mails.conftest import MAILS

STRANGE = "\u202ex<script>alert('x')</script>\r\nBcc: x@example.com " + "y" * 500


class Links(HTMLParser):
    """The targets of the links of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """As HTMLParser calls it."""
        if tag == "a":
            self.found.add(dict(attributes)["href"] or "")


@pytest.mark.parametrize("template", MAILS)
def test_both_parts_say_the_same(queued, template):
    """Who reads the text has each link, each code and each sentence."""
    rendered = render(queued(template))

    links = set(re.findall(r"^    (\w+:/\S+)$", rendered.text, re.MULTILINE))
    assert links == Links(rendered.html).found
    assert "\n" not in rendered.subject
    page = re.sub(r"</?bdi>", "", rendered.html)
    visible = re.sub(r"<style>.*?</style>|<!--.*?-->|<[^>]+>", " ", page, flags=re.DOTALL)
    words = " ".join(visible.replace("&#x27;", "'").split())
    for line in filter(None, map(str.strip, rendered.text.split("\n"))):
        assert line in words or line in {"--", *links}


def test_every_template_has_its_three_files_and_no_other_folder_is_there():
    """`NOTHING` is no mail."""
    folders = {path.name for path in OWN_TEMPLATES.iterdir() if path.is_dir()} - {"parts"}

    assert folders == {template.value for template in MAILS}
    assert all((OWN_TEMPLATES / template / part).is_file() for template in MAILS for part in PARTS)


def test_the_table_of_templates_is_true(queued):
    """docs/mails.md names each template, its link and the variables that its text uses."""
    page = (ROOT / "docs" / "mails.md").read_text()
    rows = {
        row[1]: (row[2], row[3])
        for row in re.finditer(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \| ([^|]+) \|$", page, re.MULTILINE)
    }

    assert list(rows) == [template.value for template in MAILS]
    for template in MAILS:
        mail = queued(template)
        path = PATHS.get(mail.code.purpose, "none") if mail.code else "none"
        source = "".join((OWN_TEMPLATES / template / part).read_text() for part in PARTS)
        names = {"device", "ip_address", "provider", "due", "sign_in_link", "sign_up_link", "disown_link", "link_only"}
        names |= {"left", "name"}
        used = sorted(name for name in names if re.search(rf"\b{name}\b", source))
        link, variables = rows[template.value]
        assert re.findall(r"`([^`]+)`", link) == ([path] if path != "none" else [])
        assert sorted(re.findall(r"`(\w+)`", variables)) == used


def test_links_open_the_front_end_of_the_client_that_asked(queued, settings):
    """S91: else FRONT_END_URL, else the public URL."""
    client, _ = make_client(front_end_url="com.example.app:/")
    mail = queued(Template.RESET_PASSWORD, client=client)
    fragment = f"#token={codes.link_token(mail.code)}"
    assert f"    com.example.app:/reset-password{fragment}\n" in render(mail).text

    own = settings.LATCHKEY
    settings.LATCHKEY = replace(own, front_end_url="https://www.example.com/app/")
    assert f"    com.example.app:/reset-password{fragment}\n" in render(mail).text
    mail.client = None
    assert f"    https://www.example.com/app/reset-password{fragment}\n" in render(mail).text
    settings.LATCHKEY = replace(own, public_urls=("https://id.example.com",))
    assert f"    https://id.example.com/reset-password{fragment}\n" in render(mail).text


def test_a_registration_can_be_disowned(queued):
    """S85: by the same token, at another page."""
    mail = queued(Template.VERIFY_EMAIL)

    text = render(mail).text

    token = codes.link_token(mail.code)
    assert f"/verify-email#token={token}\n" in text
    assert f"/disown-registration#token={token}\n" in text


@pytest.mark.parametrize("link_only", [True, False])
def test_after_the_password_was_taken_away_a_mail_has_the_link_alone(queued, link_only):
    """No page waits for a code then, and ignoring the mail would help nobody."""
    mail = queued(Template.RESET_PASSWORD, data={"link_only": link_only})
    rendered = render(mail)

    for part in (rendered.text, rendered.html):
        assert codes.link_token(mail.code) in part
        assert (codes.typed_code(mail.code) in part) == (not link_only)
        assert ("ignore this mail" in part) == (not link_only)


def test_what_is_not_known_is_left_out(queued):
    """A device without a name."""
    rendered = render(queued(Template.NEW_DEVICE, data={"device": "", "ip_address": ""}, locale="ar"))

    assert "Device" not in rendered.text + rendered.html
    assert "Address" not in rendered.text + rendered.html


@pytest.mark.parametrize("open_", [True, False])
def test_signing_up_is_offered_where_it_is_possible(queued, settings, open_):
    """A closed service does not send people to a page that refuses them."""
    settings.LATCHKEY = replace(settings.LATCHKEY, registration_open=open_)

    assert ("/register" in render(queued(Template.UNKNOWN_ADDRESS)).text) == open_


def test_text_of_strangers_is_escaped_and_bounded(queued):
    """S62: an agent that a stranger sends is no markup, no header, no line of its own, and turns no text around."""
    rendered = render(queued(Template.NEW_DEVICE, data={"device": STRANGE, "link": "https://evil.example"}))

    [line] = [line for line in rendered.text.split("\n") if line.startswith("Device: ")]
    assert len(line) <= len("Device: ") + 100
    assert line.startswith("Device: x<script>alert('x')</script> Bcc: x@example.com yyy")
    assert "<script>" not in rendered.html
    assert "\u202e" not in rendered.text + rendered.html
    assert "evil" not in rendered.text + rendered.html


def test_a_right_to_left_language_turns_the_page_and_not_the_code(queued, settings):
    """Both parts of it; foreign text is isolated, so that it reorders nothing."""
    settings.LANGUAGES = [("en", "English"), ("ar", "Arabic")]
    rendered = render(queued(Template.NEW_DEVICE, locale="ar-EG"))

    assert '<html lang="ar" dir="rtl">' in rendered.html
    assert '<td class="card" dir="rtl"' in rendered.html
    assert "<bdi>Firefox on Linux</bdi>" in rendered.html
    assert "\u2068Firefox on Linux\u2069" in rendered.text
    assert 'class="code" dir="ltr"' in render(queued(Template.SIGN_IN, locale="ar")).html


@pytest.mark.parametrize(("tag", "language"), [("en", "en"), ("de-CH-x-own", "de"), ("tlh", "en"), ("", "en")])
def test_a_mail_is_in_the_nearest_language(queued, settings, tag, language):
    """A tag that is nobody's is no failure."""
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]

    assert render(queued(locale=tag)).language == language


@pytest.mark.parametrize(
    ("left", "said"),
    [(30, "30 minutes"), (1, "1 minute,"), (60, "60 minutes"), (120, "2 hours"), (1439, "24 hours"), (10079, "7 days")],
)
def test_the_lifetime_is_told_in_a_unit_that_fits(queued, left, said):
    """As it is when the mail is sent."""
    mail = queued()
    mail.code.expires_at = timezone.now() + timedelta(minutes=left, seconds=5)

    assert f"Valid for {said}" in render(mail).text


def test_the_page_works_in_the_dark_and_without_a_style_sheet(queued):
    """Mail programs drop what they do not know: colours are inline too, with a contrast of 4.5 or more."""
    html = render(queued(Template.VERIFY_EMAIL)).html

    assert '<meta name="color-scheme" content="light dark">' in html
    light = [("#1c2430", "#ffffff"), ("#515c6b", "#ffffff"), ("#1f4fd8", "#ffffff"), ("#1c2430", "#eef1f5")]
    dark = [("#e8eaed", "#1b2128"), ("#b3bac3", "#1b2128"), ("#9cc0ff", "#1b2128"), ("#0b1a33", "#9cc0ff")]
    for text, ground in light + dark:
        assert text in html
        assert ground in html
        assert contrast(text, ground) >= 4.5, (text, ground)


def contrast(one: str, other: str) -> float:
    """As WCAG 2.2 defines it."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """Of `#rrggbb`."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_a_folder_replaces_templates(queued, settings, tmp_path):
    """One file of one mail; the rest is ours."""
    (tmp_path / "sign_in").mkdir()
    (tmp_path / "sign_in" / "subject.txt").write_text("Hello\n from {{ service }}\n")
    settings.LATCHKEY = replace(settings.LATCHKEY, mail_templates=str(tmp_path), service_name="A & B")

    rendered = render(queued())

    assert rendered.subject == "Hello from A & B"
    assert "<title>Hello from A &amp; B</title>" in rendered.html
    assert templates_can_be_read() == []


@pytest.mark.parametrize("text", ["{% nonsense %}", "{% extends 'no-such-file' %}{{", None])
def test_a_folder_that_cannot_be_used_is_noticed_at_the_start(settings, tmp_path, text):
    """accounts.E005."""
    folder = tmp_path / "templates"
    if text is not None:
        (folder / "sign_in").mkdir(parents=True)
        (folder / "sign_in" / "body.html").write_text(text)
    settings.LATCHKEY = replace(settings.LATCHKEY, mail_templates=str(folder))

    assert {message.id for message in templates_can_be_read()} == {"accounts.E005"}


def test_rendering_leaves_the_row_alone(queued):
    """S86: the secrets stay in the rendered mail."""
    mail = queued()
    before = Mail.objects.values().get()

    render(mail)

    assert Mail.objects.values().get() == before


@pytest.mark.parametrize(
    ("locale", "when"),
    [
        ("en", "on Jan. 31, 2030 (noon UTC)."),
        ("de", "am 31. Januar 2030 (12:00 UTC) gelöscht."),
        ("fr", "le 31 janvier 2030 (12:00 UTC)."),
    ],
)
def test_a_date_with_its_time_reads_well_in_each_language(queued, locale, when):
    """It has no word between them, which each language would choose."""
    mail = queued(Template.DELETION_SCHEDULED, locale=locale)

    assert when in render(mail).text


def test_front_ends_are_told_of_every_page_that_mails_link_to():
    """docs/clients.md lists the paths."""
    listed = set(re.findall(r"`(/[a-z-]+)`", (ROOT / "docs/clients.md").read_text()))

    assert {*PATHS.values(), DISOWN_PATH, SIGN_IN_PATH, SIGN_UP_PATH} <= listed

"""Secrets go, everything else stays as it was."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from jupyter_mlops.capture import secrets
from jupyter_mlops.capture.secrets import Vault, find_secrets, redact
from jupyter_mlops.records import Run, Status, now

LETTERS = "abcdefghij0123456789ABCDEFGHIJ0123456789"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ('password = "hunter2"', 'password = "•••"'),
        ("db_password: str = 'hunter2'", "db_password: str = '•••'"),
        ('connect(user="me", password="hunter2")', 'connect(user="me", password="•••")'),
        ('{"api_key": "abc123"}', '{"api_key": "•••"}'),
        ('headers = {"X-Api-Key": "abc123"}', 'headers = {"X-Api-Key": "•••"}'),
        ('os.environ["SECRET_KEY"] = "abc"', 'os.environ["SECRET_KEY"] = "•••"'),
        ('os.environ.setdefault("API_KEY", "abcd")', 'os.environ.setdefault("API_KEY", "•••")'),
        ("AWS_SECRET_ACCESS_KEY='wJalrXUtnFEMI/K7'", "AWS_SECRET_ACCESS_KEY='•••'"),
        ('token = "abcdef123456"', 'token = "•••"'),
        ("create_engine('postgresql://me:s3cret@host/db')", "create_engine('postgresql://me:•••@host/db')"),
        ("redis://:s3cret@host", "redis://:•••@host"),
        ("key = 'AKIAIOSFODNN7EXAMPLE'", "key = '•••'"),
        (f"use('ghp_{LETTERS[:36]}')", "use('•••')"),
        (f"use('hf_{LETTERS[:34]}')", "use('•••')"),
        (f"use('sk-proj-{LETTERS}')", "use('•••')"),
        ("use('xoxb-1234567890-abcdef')", "use('•••')"),
        (f"eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.{LETTERS}", "•••"),
        ("Authorization: Bearer abcdef.ghijkl-123", "Authorization: Bearer •••"),
        ("%env API_KEY=abcd1234", "%env API_KEY=•••"),
        ("!export DB_PASSWORD=abcd1234", "!export DB_PASSWORD=•••"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----•••-----END RSA PRIVATE KEY-----",
        ),
        ('password = """two\'s"""', 'password = """•••"""'),
        ('password = "with \\" quote"', 'password = "•••"'),
    ],
)
def test_secrets_go(text: str, redacted: str) -> None:
    assert redact(text) == redacted
    assert redact(redacted) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "x = 1",
        "password = getpass('Password: ')",
        "password = os.environ['PASSWORD']",
        "api_key = os.getenv('OPENAI_API_KEY')",
        "token = None",
        "token = ''",
        'pad_token = "<pad>"',
        'tokenizer.eos_token = "endoftext123"',
        'CountVectorizer(token_pattern=r"(?u)\\b\\w\\w+\\b")',
        "max_tokens=5",
        'df["password"] == "hunter2"',
        'df = df.rename(columns={"pwd_hash": "hash"})',
        "f'postgresql://{user}:{password}@{host}/db'",
        "'https://github.com/user/repo'",
        "'https://host:8080/path'",
        "git@github.com:user/repo.git",
        'print("password: ", password)',
        'st.text_input("Your secret")',
        'secret = "<your secret here>"',
        "tokens = text.split()",
        'for token in ["alpha", "beta"]: pass',
        "scikit-learn sk-learn",
        'columns = ["token", "secret_santa", "private"]',
        "risk_score = model.predict(X)",
        'key = "value"',
        'sort_key: str = "name"',
        "passwords = {}",
    ],
)
def test_ordinary_code_stays(text: str) -> None:
    assert redact(text) == text


def test_python_stays_python() -> None:
    code = 'password = "a"  # short\napi_key = "abc123"\nurl = "postgresql://me:pw@h/d"\n'
    ast.parse(redact(code))
    assert redact(code).count("•••") == 2


def test_secrets_are_found_in_order_without_overlap() -> None:
    text = "password = 'postgresql://me:pw@h/d'; token = 'abcdef123456'"
    found = find_secrets(text)
    assert [text[secret.start : secret.end] for secret in found] == ["postgresql://me:pw@h/d", "abcdef123456"]


def test_the_sources_of_the_package_are_ordinary_code() -> None:
    for path in Path(secrets.__file__).parent.parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert redact(text) == text, path


def test_what_is_no_text_is_left_alone() -> None:
    assert find_secrets(None) == []  # type: ignore[arg-type]


def test_what_json_cannot_spell_is_searched_too() -> None:
    odd = {"big": 10**5000, "half": "a\ud800", "text": "password = 'hunter2-and-\ud800'"}
    run = Run(
        run_id="r",
        experiment="e",
        status=Status.FINISHED,
        start_time=now(),
        params=odd,
        metrics={"m": 10**5000},
    )
    vault = Vault()
    cleaned = vault.clean_record(run)
    assert cleaned.params == {**odd, "text": "password = '•••'"}
    assert cleaned.metrics == run.metrics
    vault.add("half\ud800and12345678")
    assert vault.clean_bytes("half\ud800and12345678".encode("utf-8", "surrogatepass"), "image/png") is None

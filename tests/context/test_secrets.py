"""Which strings are hidden from a model, and that they come back."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from context.secrets import Hider, blank_secrets, conceal, find_secrets, reveal
from context.text import encode

JWT = "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJSM"
HEX = "9f86d081884c7d659a2feaa0c55ad015"
RANDOM = "q8Zk2LmP0xVb7Rt4Wn9Yc3Hd6Js1Fg5A"


def found(text: str) -> list[str]:
    return [text[span.start : span.end] for span in find_secrets(text)]


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ('aws = "AKIAIOSFODNN7EXAMPLE"', "AKIAIOSFODNN7EXAMPLE"),
        (f"token: ghp_{RANDOM}{RANDOM[:4]}", f"ghp_{RANDOM}{RANDOM[:4]}"),
        (f"key = 'sk_live_{RANDOM[:24]}'", f"sk_live_{RANDOM[:24]}"),
        (f"xoxb-{RANDOM}", f"xoxb-{RANDOM}"),
        ("postgres://shop:hunter2@db/shop", "hunter2"),
        ('password = "correct-horse-7"', "correct-horse-7"),
        ('{"apiKey": "0123-4567-89ab"}', "0123-4567-89ab"),
        ("DB_PASSWORD => 'tr0ub4dor&3'", "tr0ub4dor&3"),
        (f'blob = "{RANDOM}"', RANDOM),
        (
            'digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ),
        (f"as {JWT} it is", JWT),
        ('password: str = "Tr0ub4dor&3xyz"', "Tr0ub4dor&3xyz"),
        ('password: Optional[str]="Tr0ub4dor&3xyz"', "Tr0ub4dor&3xyz"),
        ('password: Annotated[str, Hidden(1)] = "Tr0ub4dor&3xyz"', "Tr0ub4dor&3xyz"),
        ('API_KEY: Final = "Tr0ub4dor&3xyz"', "Tr0ub4dor&3xyz"),
        ('const password: string = "Tr0ub4dor&3xyz"', "Tr0ub4dor&3xyz"),
        ("readonly dbPassword?: string | null = 'Tr0ub4dor&3xyz'", "Tr0ub4dor&3xyz"),
        ('let api_key: &str = "Tr0ub4dor&3xyz"', "Tr0ub4dor&3xyz"),
        ("const API_KEY: &'static str = r#\"Tr0ub4dor&3xyz\"#", "Tr0ub4dor&3xyz"),
        ('var password string = "Tr0ub4dor&3xyz"', "Tr0ub4dor&3xyz"),
        ('private val password: String? = "Tr0ub4dor&3xyz"', "Tr0ub4dor&3xyz"),
        ('private static final String PASSWORD = "Tr0ub4dor&3xyz"', "Tr0ub4dor&3xyz"),
        ('string password = @"Tr0ub4dor&3xyz"', "Tr0ub4dor&3xyz"),
        ('char password[32] = "Tr0ub4dor&3xyz"', "Tr0ub4dor&3xyz"),
        ('settings["password"] = "Tr0ub4dor&3xyz"', "Tr0ub4dor&3xyz"),
        ('def f(a, token: str = "Tr0ub4dor&3xyz", b="other-text-7"): ...', "Tr0ub4dor&3xyz"),
        (f"export AWS_SECRET_ACCESS_KEY={RANDOM}\n", RANDOM),
        ("db:\n  password: Tr0ub4dor&3xyz  # of the shop\n", "Tr0ub4dor&3xyz"),
        ("secret_token = Tr0ub4dor!3xyz\r\nuser = shop\r\n", "Tr0ub4dor!3xyz"),
        ('connection.setPassword("Tr0ub4dor3xyz");', "Tr0ub4dor3xyz"),
        ("if (password === 'Tr0ub4dor3xyz') {", "Tr0ub4dor3xyz"),
        (f"-H 'Authorization: Bearer {RANDOM[:20]}'", RANDOM[:20]),
        (f"Name=shop;AccountKey={RANDOM}{RANDOM}==;", f"{RANDOM}{RANDOM}=="),
        (f"GOCSPX-{RANDOM[:24]}", f"GOCSPX-{RANDOM[:24]}"),
        (f"token 123456789:AA{RANDOM}x", f"123456789:AA{RANDOM}x"),
        ("postgres://shop:hunter$2@db/shop", "hunter$2"),
        ('os.environ.get("SECRET_KEY", "Tr0ub4dor&3xyz")', "Tr0ub4dor&3xyz"),
        ("ENV.fetch('DB_PASSWORD', 'Tr0ub4dor&3xyz')", "Tr0ub4dor&3xyz"),
        ('getenv("API_TOKEN", default="Tr0ub4dor&3xyz")', "Tr0ub4dor&3xyz"),
        ('args = ["--password", "Tr0ub4dor&3xyz"]', "Tr0ub4dor&3xyz"),
        ('apiKey = process.env.KEY || "Tr0ub4dor&3xyz"', "Tr0ub4dor&3xyz"),
        ("DB_PASS = 'Tr0ub4dor&3xyz'", "Tr0ub4dor&3xyz"),
        ('connect(user="a", pwd="Tr0ub4dor&3xyz")', "Tr0ub4dor&3xyz"),
        ("const password = `Tr0ub4dor&3xyz`", "Tr0ub4dor&3xyz"),
        ('password = """Tr0ub4dor&3xyz"""', "Tr0ub4dor&3xyz"),
        ('password = (\n    "Tr0ub4dor&3xyz"\n)', "Tr0ub4dor&3xyz"),
        ('connect("host=db user=a password=Tr0ub4dor3 port=1")', "Tr0ub4dor3"),
        ("<password>Tr0ub4dor3xyz</password>", "Tr0ub4dor3xyz"),
        ('encryption_key = "Tr0ub4dor&3xyz"', "Tr0ub4dor&3xyz"),
        (f'x = "shpat_{HEX}"', f"shpat_{HEX}"),
        (f'x = "dop_v1_{HEX}{HEX}"', f"dop_v1_{HEX}{HEX}"),
        (f'x = "dapi{HEX}"', f"dapi{HEX}"),
        ("hvs." + RANDOM, "hvs." + RANDOM),
    ],
)  # fmt: skip
def test_keys_tokens_and_passwords_are_found(text: str, secret: str) -> None:
    assert found(text) == [secret]


@pytest.mark.parametrize(
    "text",
    [
        'password = get_password("database")',
        'token = "access_token"',
        'PASSWORD_FIELD = "password"',
        'secret_key = "${SECRET_KEY}"',
        'token = "{{ csrf_token }}"',
        'password="********"',
        'message = "could not connect to the database server"',
        'name = "test_a_very_long_name_of_a_test_function_in_a_file"',
        'klass = "HttpResponsePermanentRedirectHandlerFactory2"',
        'path = "context/evidence/failing_tests"',
        'abc = "abcdefghijklmnopqrstuvwxyz0123456789"',
        'uuid = "00000000-0000-0000-0000-000000000000"',
        "url = 'https://example.org:8080/path@version'",
        "tokens = tokenize(text, model='gpt2')",
        'token: str = ""',
        'password: str = Field("Tr0ub4dor&3xyz")',
        "password: string = getPassword('shop-main')",
        "password: ${DB_PASSWORD}\n",
        "token = tokens2.next_token\n",
        "token = parseJwt2Token\n",
        'if token == "Identifier":',
        'token("COMMENT")',
        "postgres://shop:${PASSWORD}@db/shop",
        "Basic authentication_of_users is off",
        'def f(token: str, kind: str = "bearer-v2", other="bearer-v2"): ...',
        'if token: kind = "bearer-v2"',
        'func f(password string, kind string) { kind = "bearer-v2" }',
        'password: str = "POSTIL_HIDDEN_1"',
        'x = "-----BEGIN PRIVATE KEY-----"\nif x in text:\n    return find_key_of(text)',
        'find(\n    text,\n    "-----END PRIVATE KEY-----",\n)',
        'tokenizer = "Qwen/Qwen2-7B"',
        'tokenizer_name = "bert-base-uncased"',
        'eos_token = "<|endoftext|>"',
        'tokenUrl: "/oauth/token"',
        'token_url = "https://example.org/oauth/token"',
        'token_type = "Bearer-v2"',
        'PASSWORD_RESET_URL = "/account/reset2"',
        'secretName: "db-credentials-2"',
        'passwordLabel: "Password"',
        'api_key_header = "X-API-Key"',
        ".sk-toggleable__label-arrow-before {",
        "def f():\n    pass\n\nNAME = 'some-text-7'",
    ],
)
def test_names_messages_and_places_to_fill_in_are_left(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("path", "text", "secret"),
    [
        ("application.yml", "db:\n  password: changeit\n  pool: 5\n", "changeit"),
        ("deploy/app.YAML", "password: hunter2", "hunter2"),
        ("app.yaml", "  apiToken: 'swordfish'  # of the shop\n", "swordfish"),
        ("app.yaml", '- root_password: "open sesame"\r\n', "open sesame"),
        ("app.properties", "spring.datasource.password=S3cretPass\n", "S3cretPass"),
        ("setup.cfg", "[upload]\nuser = a\npassword = letmein\n", "letmein"),
        ("conf.ini", "db_passwd=opensesame ; of the shop\n", "opensesame"),
        ("app.toml", 'client_secret = "abcdef"\n', "abcdef"),
        ("appsettings.json", '{\n  "ApiKey": "abcdef",\n  "Port": 80\n}', "abcdef"),
        ("app.conf", "access_key = AbCdEf12\n", "AbCdEf12"),
    ],
)
def test_in_settings_what_is_given_to_a_password_is_hidden_whatever_it_is(
    path: str, text: str, secret: str
) -> None:
    assert [text[span.start : span.end] for span in find_secrets(text, path)] == [secret]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("app.yaml", "password: ${DB_PASSWORD}\n"),
        ("app.yaml", "password: $DB_PASSWORD\n"),
        ("app.yaml", "password: !vault db/password\n"),
        ("app.yaml", "password: *shared\n"),
        ("app.yaml", "password: |\n  text\n"),
        ("app.yaml", "password:\n  required: true\n"),
        ("app.yaml", "password: 'vault:secret/data/db#password'\n"),
        ("app.yaml", "token: true\nsecret: null\n"),
        ("app.yaml", "max_tokens: 4096\n"),
        ("app.yaml", "token_timeout: 3600\n"),
        ("app.yaml", "secretName: credentials\n"),
        ("app.yaml", "password: '{{ lookup }}'\n"),
        ("values.yaml", "tokenizer: fast-one\n"),
        ("openapi.json", '"password": {"type": "string"}'),
        ("openapi.json", '"token": "string"'),
        ("openapi.json", '"token": ["first", "second"]'),
        ("app.ini", "password = /run/secrets/password\n"),
        ("lock.yaml", "parse-passwd: 1.0.0\n"),
        ("ci.yml", "server-password: CI_DEPLOY_PASSWORD\n"),
        ("app.py", "password = changeit\n"),
        ("", "password: changeit\n"),
    ],
)
def test_in_settings_references_and_types_are_left(path: str, text: str) -> None:
    assert find_secrets(text, path) == []


def test_a_private_key_is_hidden_line_by_line() -> None:
    body = "\n".join(["MIIEpAIBAAKCAQEA7" + RANDOM] * 2)
    text = f"KEY = '''-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----'''\nx"
    hidden = Hider().hide(text)
    assert RANDOM not in hidden
    assert hidden.count("\n") == text.count("\n")
    assert "BEGIN RSA PRIVATE KEY" in hidden


ROW = RANDOM + RANDOM  # 64 characters, as of a real block
BEGIN, END = "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    "text",
    [
        f"KEY = '''{BEGIN}\n{ROW}\n{ROW}",
        f"{BEGIN}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n{ROW}\n{ROW}",
        f'"{BEGIN}\\n{ROW}{ROW}',
        f"{ROW}\n{ROW}\n{RANDOM[:7]}=\n{END}\n'''\n",
        f'"{ROW}\\n"\n"{RANDOM[:7]}=\\n"\n"{END}"\n',
        f"{BEGIN}\n{ROW}\n{BEGIN}\n{ROW}\n{END}\n{ROW}\n{END}",
    ],
)
def test_a_private_key_that_is_shown_in_part_is_hidden(text: str) -> None:
    hidden = Hider().hide(f"def f():\n    return lookup_of_names\n{text}\n")
    assert RANDOM[:7] not in hidden
    assert hidden.count("\n") == text.count("\n") + 3
    assert "lookup_of_names" in hidden


def test_code_after_half_a_private_key_is_left() -> None:
    code = "def sign(payload):\n    return private_key_of(payload)"
    hidden = Hider().hide(f"{BEGIN}\n{ROW}\n'''\n\n{code}\n")
    assert RANDOM not in hidden
    assert code in hidden


def test_what_is_concealed_is_what_a_model_knows_by_its_name() -> None:
    hider = Hider()
    hider.hide('password = "pa55-word-of-old"\nurl = "db://me:abc@host"')
    said = conceal('keep token="tr0ub4dor&3" and pa55-word-of-old; abcd', hider.hidden)
    assert said == 'keep token="[secret]" and POSTIL_HIDDEN_1; abcd'


def test_the_same_secret_has_one_name_and_comes_back() -> None:
    hider = Hider()
    first, second = f'a = "{RANDOM}"', f'b = "{RANDOM}"\npassword = "pa55-word"'
    hidden = [hider.hide(first), hider.hide(second)]
    assert hidden == [
        'a = "POSTIL_HIDDEN_1"',
        'b = "POSTIL_HIDDEN_1"\npassword = "POSTIL_HIDDEN_2"',
    ]
    assert [reveal(text, hider.hidden) for text in hidden] == [first, second]
    assert reveal("POSTIL_HIDDEN_9", hider.hidden) == "POSTIL_HIDDEN_9"


def test_random_keys_are_found() -> None:
    """Of 200 random ones of each kind nearly all: a random string can look like words."""
    chance = random.Random(7)
    alphabet = string.ascii_letters + string.digits
    keys = ["".join(chance.choices(alphabet, k=32)) for _ in range(200)]
    keys += [chance.randbytes(20).hex() for _ in range(200)]
    missed = [key for key in keys if found(f'x = "{key}"') != [key]]
    assert len(missed) <= 8, missed


@given(st.text(max_size=300))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    hider = Hider()
    hidden = hider.hide(text)
    assert reveal(hidden, hider.hidden) == text or "POSTIL_HIDDEN" in text
    assert hidden.count("\n") == text.count("\n")


@given(before=st.text(max_size=40), after=st.text(max_size=40))
def test_blanked_text_has_the_same_bytes_but_for_the_secret(before: str, after: str) -> None:
    text = f'{before}\nİ password = "pä55wört-7"  # ß\n{after}'
    blanked = blank_secrets(text)
    assert "55w" not in blanked
    assert len(encode(blanked)) == len(encode(text))
    assert blanked.count("\n") == text.count("\n")


def test_text_without_secrets_is_not_copied() -> None:
    text = "token = next(tokens)"
    assert blank_secrets(text) is text


def test_code_between_two_ends_of_a_block_is_left() -> None:
    text = (
        'BEGIN = "-----BEGIN CERTIFICATE-----"\n\ndef armoured_lines(text):\n    pass\n\n'
        f'ROW = "{RANDOM}{RANDOM}"\nEND = "-----END CERTIFICATE-----"\n'
    )
    assert found(text) == [f"{RANDOM}{RANDOM}"]


@pytest.mark.parametrize("end", ["\n", "\r\n", '\\n" +\n    "', "\\n"])
def test_a_block_in_a_literal_is_hidden_whatever_ends_its_lines(end: str) -> None:
    rows = end.join([f"{RANDOM}{RANDOM}", "abcd12=="])
    text = f'"-----BEGIN PRIVATE KEY-----{end}{rows}{end}-----END PRIVATE KEY-----"'
    hidden = Hider().hide(text)
    assert RANDOM not in hidden
    assert "abcd12" not in hidden


def test_a_name_that_stands_in_a_file_is_not_taken_for_another_secret() -> None:
    hider = Hider()
    texts = ['password = "Tr0ub4dor&3xyz"', "# see POSTIL_HIDDEN_1 and POSTIL_HIDDEN_2"]
    shown = [hider.hide(text) for text in texts]
    assert [reveal(text, hider.hidden) for text in shown] == texts


def test_a_row_of_one_word_is_searched_in_one_pass() -> None:
    assert found("-----BEGIN " + "PRIVATE KEY" * 20_000) == []

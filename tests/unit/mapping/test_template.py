"""Jinja with vars alone: what it prints, what it refuses, and that it always ends."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mapping.template import MAX_LENGTH, render

VARS = {"city": "Paris", "n": 5, "half": 0.5, "on": True, "off": False, "none": None, "items": "x"}


def text(source, **rules):
    rendered = render(source, VARS, **rules)
    assert rendered.findings == ()
    return rendered.text


def what(source, **rules):
    (finding,) = render(source, VARS, **rules).findings
    return finding.what


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("no template { } % #", "no template { } % #"),
        ("'{{ vars.city }}'", "'Paris'"),
        ("'{{ vars['city'] }}'", "'Paris'"),
        ("{{ vars.items }}", "x"),  # a var, not the method of a dict
        ("{{ vars.n }} {{ vars.half }}", "5 0.5"),
        ("{{ vars.on }} {{ vars.off }} {{ vars.none }}", "true false null"),
        ("{{ vars.n + 1 }} {{ vars.n - 1 }} {{ -vars.n }}", "6 4 -5"),
        ("{{ vars.city ~ '!' }} {{ vars.city | upper }}", "Paris! PARIS"),
        ("{{ vars.nothing | default('x') }}", "x"),
        ("{% if vars.nothing is defined %}a{% else %}b{% endif %}", "b"),
        ("{% if vars.city in ['Rome', 'Paris'] and vars.n > 4 %}a{% endif %}", "a"),
        ("{{ 'a' if vars.on else vars.nothing }}", "a"),
        ("{% for m in range(1, 4) %}m{{ m }}{% if not loop.last %}, {% endif %}{% endfor %}", "m1, m2, m3"),
        ("{% for a, b in [(1, 2)] %}{{ a }}{{ b }}{% endfor %}", "12"),
        ("{% for c in ['a', 'b'] %}{{ c }}{% endfor %}", "ab"),
        ("{# a comment #}a\n", "a\n"),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("{{ '{{' }}", "{{"),
    ],
)  # fmt: skip
def test_what_is_printed(source, result):
    assert text(source) == result


def test_this_stays_for_the_table_to_come():
    assert text("FROM {{this}} WHERE a > {{ vars.n }}", this=True) == "FROM {{ this }} WHERE a > 5"
    assert what("FROM {{ this }}") == "no name 'this'"


def test_a_var_cannot_smuggle_a_template_into_a_check():
    rendered = render("FROM {{ this }} WHERE {{ vars.x }}", {"x": "{{ env }}"}, this=True)
    assert [finding.what for finding in rendered.findings] == [
        "the SQL has {{, {% or {# in it after its templates"
    ]


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ vars.__class__ }}",
        "{{ vars['__class__'] }}",
        "{{ vars._values }}",
        "{{ vars.city.format }}",
        "{{ vars.city.upper() }}",
        "{{ '{0.__class__}'.format(vars) }}",
        "{{ vars | attr('__class__') }}",
        "{{ [] | map('upper') }}",
        "{{ loop.cycle('a') }}",
        "{{ self }}",
        "{{ self.__init__.__globals__ }}",
        "{{ config }}",
        "{{ environ }}",
        "{{ env.HOME }}",
        "{{ range.__globals__ }}",
        "{{ range(3).__class__ }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ lipsum() }}",
        "{{ dict(a=1) }}",
        "{{ namespace() }}",
        "{{ joiner() }}",
        "{% import 'os' as os %}",
        "{% from 'a' import b %}",
        "{% include '/etc/passwd' %}",
        "{% extends 'base' %}",
        "{% set a = 1 %}",
        "{% macro a() %}{% endmacro %}",
        "{% call a() %}{% endcall %}",
        "{% filter upper %}a{% endfilter %}",
        "{% block a %}{% endblock %}",
        "{% do 1 %}",
        "{% with a = 1 %}{% endwith %}",
        "{% autoescape true %}{% endautoescape %}",
        "{{ 2 ** 9 }}",
        "{{ 'a' * 9 }}",
        "{{ 'a%s' % 'b' }}",
        "{{ 7 / 2 }}",
        "{{ {'a': 1} }}",
        "{{ 'a'[0] }}",
        "{{ vars.city[0:2] }}",
        "{% for c in vars.city %}{% endfor %}",
        "{% for c in [1] recursive %}{% endfor %}",
        "{% for a in [1] %}{% for b in [1] %}{% endfor %}{% endfor %}",
        "{% for a in [1] %}{% if true %}{% for b in [1] %}{% endfor %}{% endif %}{% endfor %}",
    ],
)
def test_what_is_refused(source):
    rendered = render(source, VARS)
    assert len(rendered.findings) == 1
    assert rendered.text == source
    assert "Traceback" not in rendered.findings[0].what


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(10000000000) %}x{% endfor %}",
        "{% for i in range(0, 10000000000, 1) %}x{% endfor %}",
        "{% for i in range(-5, 99999) %}x{% endfor %}",
        "{% for i in range(1000) %}" + "x" * 50_000 + "{% endfor %}",
        "{{ " + "(" * 50_000 + "1" + ")" * 50_000 + " }}",
        "{{ " + "not " * 20_000 + "1 }}",
        "{{ " + "-" * 90_000 + "1 }}",
        "{{ 1" + "+1" * 40_000 + " }}",
        "{{ 1" + "~1" * 40_000 + " }}",
        "{{ [" + "1," * 40_000 + "1] }}",
        "{% if true %}" * 3_000 + "{% endif %}" * 3_000,
        "{% if true %}" * 30 + "{% endif %}" * 30,
        "{{ 1 }}" * 14_000,
        "{{ vars.n }}" * 500_000,
        "{{ '" + "a" * 200_000,
        "{#" * 40_000,
        "{{ 'a'" + " | upper" * 10_000 + " }}",
    ],
)
def test_hostile_templates_end_soon(source):
    start = time.process_time()
    rendered = render(source, VARS)
    assert time.process_time() - start < 4
    assert rendered.findings or len(rendered.text) <= MAX_LENGTH


@pytest.mark.parametrize(
    ("source", "offset", "said"),
    [
        ("a\nb {{ vars.cty }}", 12, "no var named 'cty' (did you mean 'city'?)"),
        ("{{ vars.n }}\n{{ vars['cty'] }}", 22, "no var named 'cty' (did you mean 'city'?)"),
        ("\n{{ city }}", 4, "no name 'city' (templates know vars, as in vars.city)"),
        ("a\n{{ vars.city | uper }}", 2, "no filter named 'uper' (did you mean 'upper'?)"),
        ("a\n{% if vars.on %}\nb", 2, "the block 'if' is not closed (end it with {% endif %})"),
        ("{% endif %}", 0, "bad template: encountered unknown tag 'endif'"),
        ("{{ vars.city + 1 }}", 0, 'the template fails: can only concatenate str (not "int") to str'),
    ],
)  # fmt: skip
def test_where_and_what(source, offset, said):
    (finding,) = render(source, VARS).findings
    assert said.startswith(finding.what)
    assert finding.hint in said or finding.what == said
    assert finding.offset == offset


SIGNS = [
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "'",
    '"',
    "(",
    ")",
    "[",
    "]",
    "|upper",
    "~",
    "+",
    "1",
    "-",
    "\n",
]
WORDS = [
    " vars",
    ".city",
    "['city']",
    " if ",
    " for i in ",
    "range(9)",
    " endif ",
    " endfor ",
    "loop.index",
    "x",
]


@given(st.lists(st.sampled_from(SIGNS + WORDS), max_size=25))
def test_any_template_is_rendered_or_refused(pieces):
    source = "".join(pieces)
    rendered = render(source, VARS)
    assert all(0 <= finding.offset <= len(source) for finding in rendered.findings)
    assert "object at 0x" not in rendered.text

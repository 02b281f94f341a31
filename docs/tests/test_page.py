"""What counts as the same output, and what runs of a page."""

import output
import page
import pytest

PRINTED = """
 id    item               bias   ratings
 ───────────────────────────────────────
 318   Schindler's List  1.255       298
 50    Star Wars (1977)  1.116       583
fitted in 0.23 seconds
"""


@pytest.mark.parametrize(
    "shown",
    [
        PRINTED,
        PRINTED.replace("1.255", "1.260").replace("1.116", "1.095"),  # within 2%
        PRINTED.replace("0.23 seconds", "12.5 seconds"),
        PRINTED.replace("─────", "─────────").replace("  ", " "),
        "...\n50 Star Wars (1977) 1.116 583\n...",
        "id item bias ratings\n...\nfitted in 1 seconds",
    ],
)
def test_the_same_output(shown):
    assert output.differences(shown, PRINTED) is None


@pytest.mark.parametrize(
    ("shown", "says"),
    [
        (PRINTED.replace("1.255", "1.285"), "'1.255' instead of '1.285'"),
        (PRINTED.replace("1.255", "-1.255"), "'1.255' instead of '-1.255'"),
        (PRINTED.replace("(1977)", "(1978)"), "'1977' instead of '1978'"),
        (PRINTED.replace("298", "299"), "'298' instead of '299'"),
        (PRINTED.replace("Star", "Stars"), "'Star' instead of 'Stars'"),
        ("318" + PRINTED, "'id' instead of '318'"),
        (PRINTED + "more", "'more' is missing"),
        (PRINTED.replace("fitted in 0.23 seconds", ""), "'fitted' is one word too many"),
        ("...\n50 Star Trek (1977)\n...", "50 Star Trek ( 1977 ) is not printed"),
        ("...\nfitted in 1 seconds\nnow", "'fitted' instead of 'in'"),
    ],
)
def test_another_output(shown, says):
    found = output.differences(shown, PRINTED)
    assert found is not None
    assert says in found or says.split(" instead ")[0] in found


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [("38%", "39%", True), ("38%", "40%", False), ("0.02", "0.03", True), ("0.02", "0.04", False)],
)
def test_one_unit_of_the_last_digit(shown, printed, same):
    assert (output.differences(shown, printed) is None) == same


def test_a_page_runs_in_one_namespace_and_one_shell(tmp_path):
    text = """
```python
x = 2
x + 1
```

```text
4
```

```console
$ y=5
$ echo $y
6
$ false
```

```py
this does not run
```
"""
    file = tmp_path / "page.md"
    file.write_text(text)
    shared = page.Fit(tmp_path / "shared")
    with page.running(tmp_path, shared) as runner:
        found = list(page.failures(file, runner))
    assert [line.splitlines()[0] for line in found] == [
        "page.md:3: x = 2: '3' instead of '4'",
        "page.md:13: echo $y: '5' instead of '6'",
        "page.md:15: false: exit status 1",
    ]
    with page.running(tmp_path, shared) as runner:
        file.write_text(page.with_outputs(text, runner))
    assert "```text\n3\n```" in file.read_text()
    assert "$ echo $y\n5\n$ false" in file.read_text()


def test_code_that_would_not_run_is_an_error():
    with pytest.raises(ValueError, match="line 1: an indented block"):
        list(page.blocks("  ```python\n  x\n  ```"))
    with pytest.raises(ValueError, match="line 2: a console block begins with a command"):
        list(page.steps("```console\nls\n```"))

"""``wampd completion``: the script that lets a shell complete what is typed after ``wampd``.

The script asks ``wampd`` itself, with the words so far in the environment: commands and options are those of the version
that is installed, and names of components those of the router that runs.
"""

import click
from click.shell_completion import ShellComplete, get_completion_class

from .words import Group

HELP = "Print the script that completes commands, options and names in a shell."
ONCE = """\
eval "$(wampd completion bash)"      # for the shell that is open; for every one to come: wampd completion bash --help
eval "$(wampd completion zsh)"
wampd completion fish | source
"""
EXAMPLES = {
    "bash": """
        eval "$(wampd completion bash)"                  # for the shell that is open; for every one to come:
        mkdir -p ~/.local/share/bash-completion/completions
        wampd completion bash > ~/.local/share/bash-completion/completions/wampd
        """,
    "zsh": """
        eval "$(wampd completion zsh)"                   # for the shell that is open, after compinit; for every one to come:
        mkdir -p ~/.zfunc
        wampd completion zsh > ~/.zfunc/_wampd           # and in ~/.zshrc: fpath+=~/.zfunc; autoload -Uz compinit; compinit
        """,
    "fish": """
        wampd completion fish | source                   # for the shell that is open; for every one to come:
        mkdir -p ~/.config/fish/completions
        wampd completion fish > ~/.config/fish/completions/wampd.fish
        """,
}
SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_WAMPD_COMPLETE"


@click.group("completion", cls=Group, help=HELP, examples=ONCE)
def completion() -> None:
    """One command for each shell."""


def script(shell: str) -> str:
    """The script for a shell."""
    kind = get_completion_class(shell)
    assert kind is not None, shell
    # Not its own `source`, which starts a bash to ask how old it is.
    text = ShellComplete.source(kind(completion, {}, "wampd", VARIABLE))
    if shell == "fish":  # what click writes ends a description at its first comma
        text = text.replace('(string split "," ', '(string split --max 1 "," ')
    return text


def _add(shell: str) -> None:
    def tell() -> int:
        click.echo(script(shell), nl=False)
        return 0

    completion.command(
        shell,
        help=f"Print the script for {shell}.",
        short_help=f"print the script for {shell}",
        examples=EXAMPLES[shell],
    )(tell)


for _shell in SHELLS:
    _add(_shell)

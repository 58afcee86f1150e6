/** `phoenix completion`: scripts for shells. They call `phoenix __complete` with the typed words as arguments, and never evaluate them. */
import { type ExitCode, exitCodes, UsageError } from "../errors.ts";
import { didYouMean } from "../formats/text/nearest.ts";
import type { Call, CommandDefinition } from "./command.ts";

export const completionCommand: CommandDefinition = {
  name: "completion",
  arguments: "<shell>",
  summary: "print the completion script for bash, zsh or fish",
  examples: [
    ["source <(phoenix completion bash)", "in this shell; add the line to ~/.bashrc to keep it"],
    ["phoenix completion zsh > /usr/local/share/zsh/site-functions/_phoenix", "for the zsh of all users"],
    ["phoenix completion fish > ~/.config/fish/completions/phoenix.fish", "for your fish"],
  ],
  exits: [
    ["converged", "printed"],
    ["usage", "unknown shell"],
  ],
  completes: () => [...scripts.keys()],
  run: printScript,
};

// compgen's -W and zsh's _describe would expand or split their arguments; neither is used.
const bash = `# bash completion for phoenix
_phoenix() {
  local cur=\${COMP_WORDS[COMP_CWORD]} line
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
    :directories) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
    :files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
    ?*) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <(command phoenix __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _phoenix phoenix phoenix-cli
`;

const zsh = `#compdef phoenix phoenix-cli
_phoenix() {
  local line
  local -a lines values shown
  lines=("\${(@f)$(command phoenix __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  case $lines[1] in
  :directories) _files -/; return ;;
  :files) _files; return ;;
  esac
  for line in $lines; do
    values+=("\${line%%$'\\t'*}")
    shown+=("\${line//$'\\t'/  }")
  done
  (( $#values )) && compadd -l -d shown -a values
}
if [[ $funcstack[1] == _phoenix ]]; then
  _phoenix "$@"
else
  compdef _phoenix phoenix phoenix-cli
fi
`;

const fish = `# fish completion for phoenix
function __phoenix_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l lines (command phoenix __complete -- $words[2..-1] 2>/dev/null)
    switch "$lines[1]"
        case :directories
            __fish_complete_directories (commandline -ct)
        case :files
            __fish_complete_path (commandline -ct)
        case '*'
            printf '%s\\n' $lines
    end
end
complete -c phoenix -f -a '(__phoenix_complete)'
complete -c phoenix-cli -f -a '(__phoenix_complete)'
`;

/** The scripts, by the names of their shells. */
export const completionScripts = { bash, zsh, fish };

const scripts: ReadonlyMap<string, string> = new Map(Object.entries(completionScripts));

async function printScript({ args, terminal }: Call): Promise<ExitCode> {
  const [shell = ""] = args;
  const script = scripts.get(shell);
  if (script === undefined) {
    const shells = [...scripts.keys()];
    throw new UsageError(`unknown shell "${shell}"`, {
      hint: didYouMean(shell, shells) ?? `the shells are ${shells.join(", ")}`,
    });
  }
  terminal.stdout.write(script);
  return exitCodes.converged;
}

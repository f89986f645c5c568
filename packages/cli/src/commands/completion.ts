import { Argument, type Command } from 'commander'
import type { Cli } from '../cli.ts'

const examples = `
Examples:
  $ source <(repokeeper completion bash)                                  # in ~/.bashrc
  $ repokeeper completion bash > ~/.local/share/bash-completion/completions/repokeeper
  $ source <(repokeeper completion zsh)                                   # in ~/.zshrc, after compinit
  $ repokeeper completion zsh > "\${fpath[1]}/_repokeeper"

Commands, options and their values are completed of repokeeper and updatePackages, and files and directories where they are meant.
`

/** @param define the program with all options of all commands */
export function defineCompletion(program: Command, cli: Cli, define: () => Promise<Command>): void {
  program
    .command('completion')
    .description('Print a script that completes command lines in a shell.')
    .addArgument(new Argument('<shell>', 'which one').choices(['bash', 'zsh']))
    .addHelpText('after', examples)
    .action(async (shell: string) => {
      const [{ wordsOf }, { updatePackagesProgram }, { bashCompletion }, { zshCompletion }] = await Promise.all([
        import('../completion-words.ts'),
        import('../update-packages.ts'),
        import('../completion-bash.ts'),
        import('../completion-zsh.ts'),
      ])
      const programs = { repokeeper: wordsOf(await define()), updatePackages: wordsOf(updatePackagesProgram(cli)) }
      cli.output.writeRaw('stdout', shell === 'bash' ? bashCompletion(programs) : zshCompletion(programs))
    })
}

/**
 * Who has to do what, when one key follows another.
 */
import { shellWord } from './shell-word.ts'

export interface RotationStep {
  readonly when: string
  readonly what: string
  /** Lines to copy. */
  readonly lines: readonly string[]
}

interface GuideFacts {
  /** As `--sign-next-key` takes it. */
  readonly source: string
  readonly passphrase: string | undefined
  /** The repository, where one was named that can be published to. */
  readonly repository: string | undefined
  /** As `--sign-key` takes the key that signs now, where it is known. */
  readonly present: string | undefined
  /** URL of the repository, where it was named by it. */
  readonly baseUrl: string | undefined
  /** As `--sign-next-from` takes it. */
  readonly from: string
  /** Path of the file with both public keys. */
  readonly both: string
}

/** What is not known stands in capitals, with words that say what it is. */
export function rotationGuide(facts: GuideFacts): readonly RotationStep[] {
  const { source, passphrase, from, both, baseUrl = 'BASEURL' } = facts
  const [repository, present] = [shellWord(facts.repository ?? 'REPO'), shellWord(facts.present ?? 'OLD')]
  const isOld = facts.present === undefined ? '; OLD is the key that signs now' : ''
  const protectedBy = passphrase === undefined ? '' : ` --sign-passphrase ${shellWord(passphrase)}`
  const next = `--sign-next-key ${shellWord(source)} --sign-next-from ${from}`
  return [
    {
      when: 'Now',
      what: 'every worker and every command that publishes, beside the --sign-key that it has; the old key goes on signing',
      lines: [
        `${next}${protectedBy}`,
        `REPOKEEPER_SIGN_NEXT_KEY=${shellWord(source)} REPOKEEPER_SIGN_NEXT_FROM=${from}     # the same by environment`,
        `repokeeper rebuild ${repository} --sign-key ${present} ${next}${protectedBy}     # publishes both keys now, not with the next change${isOld}`,
      ],
    },
    {
      when: `Before ${from}`,
      what: 'clients that have the key from a file of their own (gpgkey=file:///…) need this one instead. The others learn of the key by themselves from that day on, but where nobody answers dnf and zypper they need to be told before',
      lines: [
        both,
        'rm -rf /var/cache/dnf/ID-*/pubring && dnf -y makecache     # dnf: takes both keys; ID stands in [] in the .repo file',
        `rpm --import ${baseUrl}/repodata/repomd.xml.key     # zypper, and packages with gpgcheck=1`,
      ],
    },
    {
      when: `From ${from} on`,
      what: 'the new key signs. A client that meets it for the first time fetches it from gpgkey=, and asks; unless it is told not to',
      lines: ['dnf -y makecache', 'zypper --gpg-auto-import-keys refresh'],
    },
    {
      when: 'Some days later',
      what: 'the old private key is not needed any more; its public key is, as long as packages that it signed are listed',
      lines: [`--sign-key ${shellWord(source)} --sign-public-key ${shellWord(both)}${protectedBy}`],
    },
  ]
}

import type { Mutation } from './mutations.ts'

const admit = 'repository/src/admit-package.ts'
const reconcileInbox = 'repository/src/reconcile-inbox.ts'

/** Ways to break how packages get from an inbox into a repository, and which may. */
export const brokenInboxes: readonly Mutation[] = [
  {
    name: 'an inbox is emptied before its package stands elsewhere',
    because: 'a worker that dies between the two has lost the package',
    of: 'inboxes',
    patches: [
      {
        file: admit,
        find: '  const copied = await copyTo(',
        replace: '  await takeOut(store, head, context)\n  const copied = await copyTo(',
      },
    ],
  },
  {
    name: 'whatever lies in the inbox by now is deleted',
    because: 'what was uploaded while the one before it was moved is lost',
    of: 'inboxes',
    seed: 7,
    patches: [
      {
        file: admit,
        find: '{ ifMatch: etag, ...withSignal(context) })\n  return kind',
        replace: 'withSignal(context))\n  return kind',
      },
    ],
  },
  {
    name: 'a package of an inbox is put over whatever is there',
    because: 'what was uploaded to the repository meanwhile is lost',
    of: 'inboxes',
    seed: 225,
    patches: [
      {
        file: admit,
        find: "context.singleWriter ? { if: 'always' } : condition",
        replace: "context.singleWriter || condition.if !== undefined ? { if: 'always' } : condition",
      },
    ],
  },
  {
    name: 'the message of a package that was moved already is settled at once',
    because: 'who moved it may have died before it was listed, and nobody else is told',
    of: 'inboxes',
    seed: 40,
    patches: [
      {
        file: reconcileInbox,
        find: '      if (place.target.startsWith(location.root)) targets',
        replace:
          "      if (admission.kind === 'gone') return void rejected.add(key)\n      if (place.target.startsWith(location.root)) targets",
      },
    ],
  },
  {
    name: 'nobody looks where a rejected package was meant to go',
    because: 'what stands in its way may be a copy of which the worker died before it was listed',
    of: 'inboxes',
    seed: 225,
    patches: [
      {
        file: reconcileInbox,
        find: '      if (place.target.startsWith(location.root)) targets',
        replace: "      if (admission.kind !== 'rejected' && place.target.startsWith(location.root)) targets",
      },
    ],
  },
  {
    name: 'the reason of a rejected package comes after it',
    because: 'a worker that dies between the two leaves it without one',
    of: 'inboxes',
    seed: 38,
    patches: [
      {
        file: admit,
        find: '  const key = rejectedKey(head.key, inbox)\n',
        replace:
          "  const key = rejectedKey(head.key, inbox)\n  if ((await copyTo(store, head, key, { if: 'always' }, context)) !== 'stored') return 'changed'\n",
      },
    ],
  },
  {
    name: 'what is not signed is let in',
    because: 'the policy is not asked',
    of: 'policies',
    patches: [
      {
        file: 'repository/src/package-policy.ts',
        find: "return policy.kind === 'signed' ? policy.verifier : undefined",
        replace: "return policy.kind === 'signed' && policy.verifier === undefined ? policy.verifier : undefined",
      },
    ],
  },
]

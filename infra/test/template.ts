import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isAlias, parseDocument, type ScalarTag, type Tags, visit, type YAMLMap, type YAMLSeq } from 'yaml'
import * as z from 'zod'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

const Parameter = z.strictObject({
  Type: z.string(),
  Description: z.string(),
  Default: z.union([z.string(), z.number()]).optional(),
  AllowedPattern: z.string().optional(),
  AllowedValues: z.array(z.union([z.string(), z.number()])).optional(),
  ConstraintDescription: z.string().optional(),
  MinValue: z.number().optional(),
  MaxValue: z.number().optional(),
})

const properties = z.record(z.string(), z.json()).default({})

const Template = z.strictObject({
  AWSTemplateFormatVersion: z.literal('2010-09-09'),
  Description: z.string(),
  Metadata: z.strictObject({
    'AWS::CloudFormation::Interface': z.strictObject({
      ParameterGroups: z.array(
        z.strictObject({ Label: z.strictObject({ default: z.string() }), Parameters: z.array(z.string()) }),
      ),
    }),
  }),
  Parameters: z.record(z.string(), Parameter),
  Rules: z.record(z.string(), z.json()).default({}),
  Mappings: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.json()))).default({}),
  Conditions: z.record(z.string(), z.json()).default({}),
  Resources: z.record(
    z.string(),
    z.strictObject({
      Type: z.string(),
      Condition: z.string().optional(),
      DependsOn: z.array(z.string()).default([]),
      DeletionPolicy: z.string().optional(),
      UpdateReplacePolicy: z.string().optional(),
      CreationPolicy: properties,
      UpdatePolicy: properties,
      Metadata: properties,
      Properties: properties,
    }),
  ),
  Outputs: z
    .record(z.string(), z.strictObject({ Description: z.string(), Value: z.json(), Condition: z.string().optional() }))
    .default({}),
})

export type Template = z.output<typeof Template>
export type ParameterDeclaration = z.output<typeof Parameter>

export const folder = join(import.meta.dirname, '..')

export const templateNames = ['repository', 'workers', 'workers-ec2', 'lambda', 'publisher', 'repo-server'] as const
export type TemplateName = (typeof templateNames)[number]

/** Below infra/cloudformation, with its short tags written out: `!Ref X` is `{ Ref: X }`. */
export function readTemplate(name: TemplateName): Template {
  return Template.parse(parseTemplate(readFileSync(join(folder, 'cloudformation', `${name}.yaml`), 'utf8')))
}

/** @throws Error also where it has what YAML allows and CloudFormation does not */
export function parseTemplate(text: string): unknown {
  const document = parseDocument(text, { version: '1.1', customTags: shortTags })
  for (const problem of [...document.errors, ...document.warnings]) throw problem
  visit(document, (_, node) => {
    if (isAlias(node)) throw new Error(`*${node.source}: CloudFormation reads no aliases`)
  })
  return document.toJS()
}

/** The ones that are used: another one is a warning of the parser, and an error above. */
const functionNames = [
  ...[
    'And',
    'Base64',
    'Contains',
    'Equals',
    'FindInMap',
    'GetAtt',
    'If',
    'Join',
    'Not',
    'Or',
    'Select',
    'Split',
    'Sub',
  ],
] as const

function shortTags(tags: Tags): Tags {
  return [...tags, scalarTag('Ref', 'Ref'), scalarTag('Condition', 'Condition'), ...functionNames.flatMap(functionTags)]
}

function functionTags(name: (typeof functionNames)[number]): Tags {
  const key = `Fn::${name}`
  const collection = (kind: 'seq' | 'map') => ({
    tag: `!${name}`,
    collection: kind,
    resolve: (value: YAMLMap | YAMLSeq) => ({ [key]: value.toJSON() }),
  })
  return [scalarTag(name, key), collection('seq'), collection('map')]
}

function scalarTag(name: string, key: string): ScalarTag {
  return { tag: `!${name}`, resolve: (text) => ({ [key]: name === 'GetAtt' ? splitAttribute(text) : text }) }
}

/** `Queue.Arn` → its two parts; an attribute may have dots itself. */
function splitAttribute(text: string): string[] {
  const dot = text.indexOf('.')
  return [text.slice(0, dot), text.slice(dot + 1)]
}

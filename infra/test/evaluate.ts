/**
 * What CloudFormation makes of a template and its parameters, as far as ours use it: conditions decided, functions worked out.
 */
import type { Json, JsonObject, ParameterDeclaration, Template } from './template.ts'

export type ParameterValues = Readonly<Record<string, string | number | readonly string[]>>

export interface Resource {
  readonly type: string
  readonly dependsOn: readonly string[]
  readonly properties: JsonObject
  readonly updatePolicy: JsonObject
  readonly creationPolicy: JsonObject
}

export interface Stack {
  readonly resources: ReadonlyMap<string, Resource>
  readonly outputs: Readonly<Record<string, Json>>
}

/** A place of which ARNs and names can be read. */
export const pseudo = {
  'AWS::AccountId': '123456789012',
  'AWS::Partition': 'aws',
  'AWS::Region': 'eu-central-1',
  'AWS::StackName': 'stack',
} as const

const noValue = Symbol('AWS::NoValue')
type Value = Json | typeof noValue

/**
 * @returns what the stack would hold; `undefined` where a rule of the template forbids these parameters
 * @throws Error where a parameter is not allowed or missing, or something is referred to that this stack does not have
 */
export function evaluate(template: Template, given: ParameterValues): Stack | undefined {
  const stack = new Evaluation(template, valuesOf(template, given))
  return stack.breaksARule() ? undefined : stack.result()
}

function valuesOf({ Parameters }: Template, given: ParameterValues): Record<string, Json> {
  for (const name of Object.keys(given)) {
    if (!(name in Parameters)) throw new Error(`there is no parameter ${name}`)
  }
  return Object.fromEntries(
    Object.entries(Parameters).map(([name, declaration]) => {
      const value = given[name] ?? declaration.Default
      if (value === undefined) throw new Error(`${name} has to be given`)
      if (typeof value === 'object') return [name, [...value]]
      const complaint = complaintOf(declaration, value)
      if (complaint !== undefined) throw new Error(`${name} ${JSON.stringify(value)}: ${complaint}`)
      return [name, String(value)]
    }),
  )
}

/** What CloudFormation would say; an AllowedPattern has to fit the whole value. */
export function complaintOf(declaration: ParameterDeclaration, value: string | number): string | undefined {
  const { Type, AllowedPattern, AllowedValues, MinValue = -Infinity, MaxValue = Infinity } = declaration
  if (AllowedValues?.map(String).includes(String(value)) === false) return `is none of ${AllowedValues.join(', ')}`
  if (AllowedPattern !== undefined && !new RegExp(`^(?:${AllowedPattern})$`).test(String(value))) {
    return `does not fit ${AllowedPattern}`
  }
  if (Type !== 'Number') return undefined
  return Number(value) >= MinValue && Number(value) <= MaxValue ? undefined : `is not in ${MinValue} to ${MaxValue}`
}

class Evaluation {
  readonly #template: Template
  readonly #values: Readonly<Record<string, Json>>

  constructor(template: Template, values: Readonly<Record<string, Json>>) {
    this.#template = template
    this.#values = values
  }

  breaksARule(): boolean {
    return Object.values(this.#template.Rules).some((rule) => {
      const { RuleCondition, Assertions } = objectOf(rule)
      if (RuleCondition !== undefined && !this.#decide(RuleCondition)) return false
      return listOf(Assertions).some((assertion) => !this.#decide(objectOf(assertion).Assert))
    })
  }

  result(): Stack {
    const { Resources, Outputs } = this.#template
    const resources = new Map<string, Resource>()
    for (const [name, { Type, Condition, DependsOn, Properties, UpdatePolicy, CreationPolicy }] of Object.entries(
      Resources,
    )) {
      if (!this.#holds(Condition)) continue
      for (const other of DependsOn) this.#resource(other)
      resources.set(name, {
        type: Type,
        dependsOn: DependsOn,
        properties: objectOf(this.#work(Properties)),
        updatePolicy: objectOf(this.#work(UpdatePolicy)),
        creationPolicy: objectOf(this.#work(CreationPolicy)),
      })
    }
    const outputs = Object.entries(Outputs).filter(([, { Condition }]) => this.#holds(Condition))
    return {
      resources,
      outputs: Object.fromEntries(outputs.map(([name, { Value }]) => [name, jsonOf(this.#work(Value))])),
    }
  }

  #holds(condition: string | undefined): boolean {
    if (condition === undefined) return true
    return this.#decide(this.#template.Conditions[condition] ?? missing(`condition ${condition}`))
  }

  #decide(expression: Json | undefined): boolean {
    const [name, argument] = functionOf(expression ?? null) ?? missing(`a condition in ${JSON.stringify(expression)}`)
    switch (name) {
      case 'Condition':
        return this.#holds(textOf(argument))
      case 'Fn::Equals': {
        const [a, b] = listOf(argument).map((side) => this.#work(side))
        return a === b
      }
      case 'Fn::Not':
        return !this.#decide(listOf(argument)[0])
      case 'Fn::And':
        return listOf(argument).every((part) => this.#decide(part))
      case 'Fn::Or':
        return listOf(argument).some((part) => this.#decide(part))
      case 'Fn::Contains': {
        const [list, value] = listOf(argument).map((side) => this.#work(side))
        return listOf(list).includes(jsonOf(value))
      }
      default:
        return missing(`the condition ${name}`)
    }
  }

  #work(value: Json | undefined): Value {
    if (Array.isArray(value)) return value.map((item) => this.#work(item)).filter((item) => item !== noValue)
    if (typeof value !== 'object' || value === null) return value ?? null
    const call = functionOf(value)
    if (call !== undefined) return this.#call(...call)
    const entries = Object.entries(value).map(([key, item]) => [key, this.#work(item)] as const)
    return Object.fromEntries(entries.flatMap(([key, item]) => (item === noValue ? [] : [[key, item]])))
  }

  #call(name: string, argument: Json): Value {
    switch (name) {
      case 'Ref':
        return this.#reference(textOf(argument))
      case 'Fn::GetAtt': {
        const [resource, attribute] = listOf(argument).map(textOf)
        return this.#attribute(resource ?? '', attribute ?? '')
      }
      case 'Fn::If': {
        const [condition, yes, no] = listOf(argument)
        return this.#work(this.#holds(textOf(condition)) ? yes : no)
      }
      case 'Fn::Sub':
        return this.#substitute(argument)
      case 'Fn::FindInMap': {
        const [map = '', key = '', second = ''] = listOf(argument).map((part) => textOf(this.#work(part)))
        return this.#template.Mappings[map]?.[key]?.[second] ?? missing(`${map}.${key}.${second}`)
      }
      case 'Fn::Join': {
        const [separator = '', parts] = listOf(argument).map((part) => this.#work(part))
        return listOf(parts).map(scalarOf).join(textOf(separator))
      }
      case 'Fn::Split': {
        const [separator = '', text = ''] = listOf(argument).map((part) => textOf(this.#work(part)))
        return text.split(separator)
      }
      case 'Fn::Base64':
        return this.#work(argument)
      default:
        return missing(`the function ${name}`)
    }
  }

  #substitute(argument: Json): string {
    const [text, variables = {}] = Array.isArray(argument) ? argument : [argument]
    const own = objectOf(variables)
    return textOf(text).replace(/\$\{(!?)([^}]+)\}/g, (whole, literal: string, name: string) => {
      if (literal !== '') return whole.replace('!', '')
      if (name in own) return scalarOf(this.#work(own[name]))
      const dot = name.indexOf('.')
      return scalarOf(dot === -1 ? this.#reference(name) : this.#attribute(name.slice(0, dot), name.slice(dot + 1)))
    })
  }

  #reference(name: string): Value {
    if (name === 'AWS::NoValue') return noValue
    if (isPseudo(name)) return pseudo[name]
    return this.#values[name] ?? referenceTo(name, this.#resource(name).Type, (key) => this.#property(name, key))
  }

  #attribute(name: string, attribute: string): string {
    return attributeOf(name, this.#resource(name).Type, attribute, (key) => this.#property(name, key))
  }

  #property(name: string, key: string): string {
    return scalarOf(this.#work(this.#resource(name).Properties[key]))
  }

  /** @throws Error where the stack has none of this name */
  #resource(name: string): Template['Resources'][string] {
    const resource = this.#template.Resources[name] ?? missing(name)
    if (!this.#holds(resource.Condition))
      throw new Error(`${name} is referred to, and is not there with these parameters`)
    return resource
  }
}

/** Of what names are compared by: real ones. Of the rest something that tells whose it is. */
function referenceTo(name: string, type: string, property: (key: string) => string): string {
  const { 'AWS::AccountId': account, 'AWS::Region': region } = pseudo
  switch (type) {
    case 'AWS::S3::Bucket':
      return property('BucketName')
    case 'AWS::SQS::Queue':
      return `https://sqs.${region}.amazonaws.com/${account}/${property('QueueName')}`
    case 'AWS::Logs::LogGroup':
      return property('LogGroupName')
    default:
      return name
  }
}

function attributeOf(name: string, type: string, attribute: string, property: (key: string) => string): string {
  const { 'AWS::AccountId': account, 'AWS::Region': region } = pseudo
  switch (`${type} ${attribute}`) {
    case 'AWS::S3::Bucket Arn':
      return `arn:aws:s3:::${property('BucketName')}`
    case 'AWS::S3::Bucket RegionalDomainName':
      return `${property('BucketName')}.s3.${region}.amazonaws.com`
    case 'AWS::S3::Bucket WebsiteURL':
      return `http://${property('BucketName')}.s3-website.${region}.amazonaws.com`
    case 'AWS::SQS::Queue Arn':
      return `arn:aws:sqs:${region}:${account}:${property('QueueName')}`
    case 'AWS::SQS::Queue QueueName':
      return property('QueueName')
    default:
      return `${name}.${attribute}`
  }
}

/** `{ Ref: X }`, `{ "Fn::Sub": … }`: an object with one key, which is a function's. */
export function functionOf(value: Json): [name: string, argument: Json] | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const [[name, argument] = ['', null], ...more] = Object.entries(value)
  const isFunction = name === 'Ref' || name.startsWith('Fn::') || (name === 'Condition' && typeof argument === 'string')
  return isFunction && more.length === 0 ? [name, argument] : undefined
}

export function isPseudo(name: string): name is keyof typeof pseudo {
  return name in pseudo
}

export function objectOf(value: Value | undefined): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  return missing(`an object in ${String(JSON.stringify(value))}`)
}

export function listOf(value: Value | undefined): Json[] {
  return Array.isArray(value) ? value : missing(`a list in ${String(JSON.stringify(value))}`)
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : missing(`a text in ${String(JSON.stringify(value))}`)
}

function scalarOf(value: Value): string {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : textOf(value)
}

function jsonOf(value: Value | undefined): Json {
  return value === noValue || value === undefined ? null : value
}

function missing(what: string): never {
  throw new Error(`there is no ${what}`)
}

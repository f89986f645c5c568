/**
 * The templates as CloudFormation reads them: what they refer to is there whatever the parameters say, everything that is declared is used,
 * and the order in which things come up is one.
 */
import { describe, expect, it, test } from 'vitest'
import { combinationsOf } from './combinations.ts'
import { complaintOf, isPseudo } from './evaluate.ts'
import { referencesOf, waitsFor } from './references.ts'
import { parseTemplate, readTemplate, templateNames } from './template.ts'

describe.each(templateNames)('%s.yaml', (name) => {
  const template = readTemplate(name)
  const references = referencesOf(template)

  it('refers to nothing that it does not declare', () => {
    const declared = new Set([...Object.keys(template.Parameters), ...Object.keys(template.Resources)])
    const strangers = references.resources.filter(
      (reference) => !declared.has(reference) && !isPseudo(reference) && reference !== 'AWS::NoValue',
    )
    expect(strangers).toEqual([])
    expect(references.conditions.filter((condition) => !(condition in template.Conditions))).toEqual([])
    expect(references.maps.filter((map) => !(map in template.Mappings))).toEqual([])
  })

  it('uses every parameter, condition and mapping that it declares', () => {
    const { resources, conditions, maps } = references
    expect(Object.keys(template.Parameters).filter((one) => !resources.includes(one))).toEqual([])
    expect(Object.keys(template.Conditions).filter((one) => !conditions.includes(one))).toEqual([])
    expect(Object.keys(template.Mappings).filter((one) => !maps.includes(one))).toEqual([])
  })

  it('says of every parameter what it means and what is allowed, and has a default that is', () => {
    for (const [parameter, declaration] of Object.entries(template.Parameters)) {
      const { Type, Description, Default, AllowedPattern, AllowedValues, MinValue } = declaration
      expect(Description.length, parameter).toBeGreaterThan(15)
      const isChecked = [AllowedPattern, AllowedValues, MinValue].some((check) => check !== undefined)
      expect(isChecked || Type.includes('AWS::'), `${parameter} is checked`).toBe(true)
      if (Default !== undefined) expect(complaintOf(declaration, Default), parameter).toBeUndefined()
    }
  })

  it('shows every parameter in one group of the console', () => {
    const groups = template.Metadata['AWS::CloudFormation::Interface'].ParameterGroups
    const shown = groups.flatMap(({ Parameters }) => Parameters)
    expect(shown.sort()).toEqual(Object.keys(template.Parameters).sort())
  })

  it('holds together whatever its parameters say', () => {
    const combinations = combinationsOf(name)
    expect(combinations.length).toBeGreaterThan(1)
    const seen = new Set(combinations.flatMap(({ stack }) => [...stack.resources.keys()]))
    expect([...seen].sort(), 'each resource is there in some').toEqual(Object.keys(template.Resources).sort())
  })

  it('has no two things that wait for each other', () => {
    const names = Object.keys(template.Resources)
    expect(names.filter((resource) => waitsFor(template, resource).has(resource))).toEqual([])
  })
})

test('what CloudFormation does not read is no template', () => {
  expect(() => parseTemplate('a: &a 1\nb: *a')).toThrow('aliases')
  expect(() => parseTemplate('a: !Reff b')).toThrow('!Reff')
  expect(() => parseTemplate('a: 1\na: 2')).toThrow('unique')
})

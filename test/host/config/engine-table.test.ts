import { expect, it } from 'vitest'
import { engineFeatures } from '../../../host/config/tables/engine.ts'
import { knownFeatures } from '../../../host/engine/index.ts'

it('the owner of a node can keep from apps whatever the engine is asked for', () => {
  expect([...engineFeatures]).toEqual([...knownFeatures])
})

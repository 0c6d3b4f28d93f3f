/** `[[bridges]]`: what goes from topics of the mesh to an MQTT broker, and what comes from it. */
import * as v from 'valibot'
import { topicPattern, topicRule } from '../../../core/index.ts'
import { filterProblem, topicProblem } from '../../mqtt/index.ts'
import { sizeField } from '../../toml/index.ts'
import { bounded, maxNames, name } from '../fields.ts'

/** Routes one way in one bridge. */
const maxRoutes = 64

const checked = (problemOf: (text: string) => string | null) =>
  v.pipe(
    v.string(),
    v.rawCheck(({ dataset, addIssue }) => {
      const problem = dataset.typed ? problemOf(dataset.value) : null
      if (problem !== null) addIssue({ message: problem })
    }),
  )

const meshTopic = v.pipe(v.string(), v.regex(topicPattern, `is no topic of the mesh; ${topicRule}`))

const routes = <Route>(route: v.GenericSchema<unknown, Route>) =>
  v.optional(
    v.pipe(v.array(route), v.maxLength(maxRoutes, `has too many entries; at most ${maxRoutes} fit`)),
    [],
  )

const bridgeTable = v.strictObject({
  /** The broker’s where it is left out; two bridges need two names. */
  name: v.optional(name),
  broker: name,
  out: routes(
    v.strictObject({
      topic: meshTopic,
      to: checked(topicProblem),
      retain: v.optional(v.boolean(), false),
    }),
  ),
  in: routes(v.strictObject({ topic: checked(filterProblem), to: meshTopic })),
  /** Most that waits on the disk for the broker. */
  size: v.optional(sizeField('1 MiB', '64 GiB'), '64 MiB'),
  items: bounded(100_000, 1, 10_000_000),
  'when-full': v.optional(
    v.picklist(['refuse', 'drop-oldest'], 'says nothing; write "refuse" or "drop-oldest"'),
    'refuse',
  ),
})

export const bridgeTables = v.optional(
  v.pipe(
    v.array(bridgeTable),
    v.maxLength(maxNames, `has too many entries; at most ${maxNames} fit`),
    v.check((tables) => {
      const names = tables.map((table) => table.name ?? table.broker)
      return new Set(names).size === names.length
    }, 'has two bridges of one name; give each of them a name = "…" of its own'),
  ),
  [],
)

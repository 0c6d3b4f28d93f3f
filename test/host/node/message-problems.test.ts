import { expect, it } from 'vitest'
import { messageTroubles } from '../../../host/node/message-problems.ts'
import { sampleMessages } from '../api/sample-messages.ts'

const { journals } = sampleMessages
const fixOf = (code: string): string => `fix ${code}`

it('a journal with room is no trouble', () => {
  expect(messageTroubles({ journals }, fixOf)).toEqual([])
})

it('a full journal is told of with whose it is, and so is what was dropped', () => {
  const full = { ...journals.out, items: journals.out.mostItems }
  expect(messageTroubles({ journals: { ...journals, out: full } }, fixOf)).toEqual([
    {
      code: 'ERR_MESSAGES_FULL',
      message: expect.stringContaining('for other nodes holds 50000 of 50000') as string,
      hint: 'fix ERR_MESSAGES_FULL',
    },
  ])
  const lossy = { ...journals.in, dropped: 4 }
  expect(messageTroubles({ journals: { ...journals, in: lossy } }, fixOf)).toMatchObject([
    { message: expect.stringMatching(/for apps of this node.*; 4 were dropped/) as string },
  ])
})

it('a journal that cannot be opened is told of with why, and not as one that is empty', () => {
  const broken = { ...journals.in, problem: 'messages-in.sqlite is no database' }
  expect(messageTroubles({ journals: { ...journals, in: broken } }, fixOf)).toEqual([
    {
      code: 'ERR_MESSAGES_UNUSABLE',
      message:
        'the journal of messages for apps of this node cannot be used: messages-in.sqlite is no database',
      hint: 'fix ERR_MESSAGES_UNUSABLE',
    },
  ])
})

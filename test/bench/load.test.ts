import { describe, expect, it } from 'vitest'
import { readWrk } from '../../bench/engine/load.ts'

const text = `Running 5s test @ http://127.0.0.1:18999/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     7.70ms   21.81ms 162.20ms   93.04%
    Req/Sec    15.04k     4.06k   18.92k    87.76%
  Latency Distribution
     50%  573.00us
     75%    2.24ms
     90%    4.16ms
     99%    1.20s
  73794 requests in 5.00s, 5.49MB read
  Socket errors: connect 1, read 2, write 0, timeout 3
  Non-2xx or 3xx responses: 11
Requests/sec:  14745.99
Transfer/sec:      1.10MB
`

describe('what wrk prints', () => {
  it('is read with its units', () => {
    expect(readWrk(text)).toMatchObject({
      perSecond: 14745.99,
      p50Ms: expect.closeTo(0.573),
      p99Ms: 1_200,
      requests: 73_794,
      failures: 17,
    })
  })

  it('counts no failures where it names none', () => {
    expect(readWrk(text.replace(/ {2}Socket.*\n {2}Non.*\n/, '')).failures).toBe(0)
  })
})

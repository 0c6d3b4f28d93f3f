/** What can go wrong with the address at which metrics are read. */
import { defineProblems } from '../../core/index.ts'

export const metricsProblems = defineProblems({
  ERR_METRICS_LISTEN: {
    kind: 'user',
    text: 'the address for metrics cannot be listened on',
    fix: 'choose another with --metrics HOST:PORT, or end what uses it',
  },
  ERR_METRICS_HOST: {
    kind: 'remote',
    text: 'the request for metrics names a host that is not this node’s',
    fix: 'ask by its IP address, or add the name to hosts under [metrics] in the node’s TOML',
  },
  ERR_METRICS_REQUEST: {
    kind: 'remote',
    text: 'only metrics are read at this address',
    fix: 'send GET /metrics',
  },
})

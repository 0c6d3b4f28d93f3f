/** What can go wrong between an HTTP client and an app. The codes stand in the bodies of error responses. */
import { defineProblems } from '../../core/index.ts'

export const httpProblems = defineProblems({
  ERR_HTTP_LISTEN: {
    kind: 'user',
    text: 'the address for HTTP requests cannot be listened on',
    fix: 'choose another with --http HOST:PORT, or end what uses it',
  },
  ERR_HTTP_REQUEST: {
    kind: 'remote',
    text: 'the request is not valid HTTP/1.1',
    fix: 'send a request as RFC 9112 has it, with one Host field',
  },
  ERR_HTTP_HEAD_SIZE: {
    kind: 'remote',
    text: 'the head of the request is larger than this node takes',
    fix: 'send fewer or shorter fields',
  },
  ERR_HTTP_BODY_SIZE: {
    kind: 'remote',
    text: 'the body of the request is larger than the app takes',
    fix: 'send it in parts',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    kind: 'remote',
    text: 'the request did not arrive in time',
    fix: 'send it again',
  },
  ERR_HTTP_TUNNEL: {
    kind: 'remote',
    text: 'the node is no proxy, and opens no tunnels',
    fix: 'ask for /APP/… with a method such as GET or POST; do not configure the node as a proxy',
  },
  ERR_HTTP_NO_APP: {
    kind: 'remote',
    text: 'no app of this node answers this address',
    fix: 'ask for /APP/…, APP being an app with an http trigger; `selvedge apps` lists what runs',
  },
  ERR_HTTP_APP_DOWN: {
    kind: 'remote',
    text: 'the app is not running just now',
    fix: 'try again; `selvedge status` says what it waits for',
  },
  ERR_HTTP_BUSY: {
    kind: 'remote',
    text: 'too many requests are under way',
    fix: 'try again later',
  },
  ERR_HTTP_LOOP: {
    kind: 'user',
    text: 'apps ask one another in a circle',
    fix: 'let the app ask nobody that asks it: requests and calls may lead to eight, one behind the other',
  },
  ERR_HTTP_NO_RESPONSE: {
    kind: 'user',
    text: 'the app returned without a complete response',
    fix: 'call response-outparam.set in every case, and finish the body',
  },
  ERR_HTTP_RESPONSE: {
    kind: 'user',
    text: 'the app answered with something that is no HTTP response',
    fix: 'see the log of the app for what was wrong with it',
  },
  ERR_HTTP_APP: {
    kind: 'user',
    text: 'the app answered with an error',
    fix: 'see `selvedge logs APP`',
  },
  ERR_HTTP_CLIENT_GONE: {
    kind: 'remote',
    text: 'the client went away before its request was complete, or before its turn',
    fix: 'nothing to do',
  },
})

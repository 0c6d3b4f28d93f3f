/** `http:https://api.example.com`: the grant of one origin to an app. */
import { originOf } from '../../http/index.ts'

export const originNames = {
  canonical: originOf,
  rule: 'write the origin alone, as http:https://api.example.com or http:http://10.0.0.7:8080',
}

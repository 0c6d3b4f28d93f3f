/** What the component exports, by the interfaces of its world. */
import * as incomingHandler from './handler'
export { incomingHandler }

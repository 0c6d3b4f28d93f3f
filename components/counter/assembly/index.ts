/** What the component exports, by the interfaces of its world. */
import * as httpHandler from './handler'
export { httpHandler }

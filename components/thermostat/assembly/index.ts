/** What the component exports, by the interfaces of its world. */
import * as timerHandler from './turn'
import * as control from './control'
export { timerHandler, control }

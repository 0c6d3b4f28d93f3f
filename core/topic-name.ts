/** How topics of messages are named: in signed records, in grants, in manifests, and by whoever sends one. */

/** `light`, `shop/till-1/total`: names as those of apps, up to eight of them behind each other. */
export const topicPattern = /^(?=.{1,120}$)[a-z][a-z0-9-]{0,62}(\/[a-z0-9][a-z0-9-]{0,62}){0,7}$/

/** What a name must be, for an error's hint. */
export const topicRule =
  'topics are small letters, digits and "-", a letter first, in up to 8 parts with "/" between them, as shop/door'

/**
 * Programs that behave like libgpiod's of both versions, over files: `lines/gpiochip0-17` holds the level on the wire,
 * and a line that one of them holds is busy for the others.
 */
import type { DeviceTree } from './device-tree.ts'

/** `-i` hangs in a loop at the end of its input and ends when nobody reads what it says, as the real one does. */
export function addGpiodPrograms(
  tree: DeviceTree,
  version: 1 | 2,
  { interactive = version === 2 } = {},
): void {
  const said = version === 1 ? 'gpiodetect (libgpiod) v1.6.3' : 'gpiodetect v2.1.2 (libgpiod v2.1)'
  tree.program(
    'gpiodetect',
    `if [ "$1" = --version ]; then echo "${said}"; exit; fi
     echo 'gpiochip0 [pinctrl-bcm2711] (58 lines)'
     echo 'gpiochip1 [raspberrypi-exp-gpio] (8 lines)'`,
  )
  const options = `
    self=$(basename "$0"); low=; as_is=; interactive=; chip=; format=
    while [ $# -gt 0 ]; do
      case "$1" in
        --help) ${interactive ? "echo '  -i, --interactive'" : "echo 'no more than this'"}; exit;;
        --interactive) interactive=1;;
        -l) low=1;;
        --as-is) as_is=1;;
        -b|-B) shift; echo "$1" > "$root/lines/bias";;
        -c) shift; chip=$1;;
        -*) ;;
        *) if [ -z "$chip" ]; then chip=$1; else what=$1; fi;;
      esac
      shift
    done
    line=\${what%%=*}; file=$root/lines/$chip-$line
    fail() { echo "$self: unable to request lines: $1" >&2; exit 1; }
    [ -e "$file" ] || fail 'Invalid argument'
    [ -e "$root/lines/denied" ] && fail 'Permission denied'
    if [ -e "$file.held" ] && kill -0 "$(cat "$file.held")" 2>/dev/null; then fail 'Device or resource busy'; fi
    level() { wire=$(cat "$file"); if [ -n "$low" ]; then echo $((1 - wire)); else echo "$wire"; fi; }
    put() { if [ -n "$low" ]; then echo $((1 - $1)) > "$file"; else echo "$1" > "$file"; fi; }
  `
  tree.program('gpioget', `${options}\n level`)
  tree.program(
    'gpioset',
    `${options}
     put "\${what#*=}"
     echo $$ > "$file.held"
     if [ -z "$interactive" ]; then ${version === 2 ? `echo "Setting line '$line'..."; ` : ''}exec sleep 600; fi
     while :; do
       printf 'gpioset> '
       read -r order what || continue
       if [ -e "$root/lines/broken" ]; then echo "gpioset: unable to set values on 'gpiochip0': Input/output error"; continue; fi
       put "\${what#*=}"
     done`,
  )
  tree.program(
    'gpiomon',
    `${options}
     was=$(level)
     echo $$ > "$file.held"
     ${version === 2 ? `echo "Monitoring line '$line'..."` : ''}
     while :; do
       sleep 0.01
       now=$(level)
       [ "$now" = "$was" ] && continue
       was=$now
       if [ "$now" = 1 ]; then echo 1; else echo ${version === 1 ? 0 : 2}; fi
     done`,
  )
  tree.program(
    'gpioinfo',
    `echo "gpiochip0 - 58 lines:"
     for line in 17 27; do
       held=$root/lines/gpiochip0-$line.held
       if [ -e "$held" ] && kill -0 "$(cat "$held")" 2>/dev/null; then used='[used]'; else used=; fi
       printf '\tline  %s:      unnamed       "some" output  active-high %s\n' $line "$used"
     done`,
  )
  tree.write('lines/gpiochip0-17', '0')
  tree.write('lines/gpiochip0-27', '0')
}

/** The settings that a new service begins with: nothing but what a person may want to change. */
export const sampleConfig = `# The node of this machine. Everything may be left out; \`selvedge doctor --config FILE\` checks it.
# What else there is: README.md and docs/ of selvedge.

# name = "garage-1"            # the machine's name where it is left out
# groups = ["garage"]          # the groups it belongs to

# [mesh]
# listen = ["/ip4/0.0.0.0/tcp/4001"]

# [http]
# listen = "127.0.0.1:8080"    # apps with an http trigger answer there

# [metrics]
# listen = "9464"              # for Prometheus, on this machine

# [sensors.light]
# driver = "bh1750"
# bus = 1

# [pins.led]
# driver = "gpiochip"
# chip = "pinctrl-bcm2711"
# line = 17
`

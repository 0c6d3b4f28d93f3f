#!/bin/sh
# Starts the node, which goes on from what is on the card. $JOIN is an invite, wanted once; $PORT is where others reach it.
[ -n "$PORT" ] && echo "$PORT" >/data/port
cd /data || exit 1
# As the services set it that `selvedge service install` writes.
export MALLOC_ARENA_MAX=1 MALLOC_TRIM_THRESHOLD_=131072
setsid selvedge up --config /data/node.toml --data /data/selvedge --name board \
  --listen /ip4/0.0.0.0/tcp/4001 --announce "/ip4/127.0.0.1/tcp/$(cat /data/port)" --no-mdns \
  --json --log-json ${JOIN:+--join "$JOIN"} </dev/null >/run/up.json 2>>/run/log.jsonl &
echo $! >/run/node.pid

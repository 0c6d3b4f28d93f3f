"""One peer of a BitTorrent swarm: prints `ready`, waits for the file `go`, prints `done MS` when it has everything."""
import json
import os
import sys
import time

import libtorrent as lt

order = json.loads(sys.argv[1])
session = lt.session({
    'listen_interfaces': order['address'] + ':6881',
    'enable_dht': False,
    'enable_lsd': False,
    'enable_upnp': False,
    'enable_natpmp': False,
    # One kind of transport, the one that the others use.
    'enable_incoming_utp': False,
    'enable_outgoing_utp': False,
    'alert_mask': lt.alert.category_t.status_notification,
})

if order['seed']:
    storage = lt.file_storage()
    lt.add_files(storage, order['file'])
    torrent = lt.create_torrent(storage)
    lt.set_piece_hashes(torrent, os.path.dirname(order['file']))
    with open(order['torrent'] + '.part', 'wb') as out:
        out.write(lt.bencode(torrent.generate()))
    os.rename(order['torrent'] + '.part', order['torrent'])
    handle = session.add_torrent({'ti': lt.torrent_info(order['torrent']), 'save_path': os.path.dirname(order['file'])})
    while not handle.status().is_seeding:
        time.sleep(0.01)
    print('ready', flush=True)
else:
    print('ready', flush=True)
    while not os.path.exists(order['go']):
        time.sleep(0.01)
    os.makedirs(order['folder'], exist_ok=True)
    handle = session.add_torrent({'ti': lt.torrent_info(order['torrent']), 'save_path': order['folder']})
    for peer in order['peers']:
        handle.connect_peer((peer, 6881))
    while not handle.status().is_seeding:
        time.sleep(0.01)
    print('done', int(time.time() * 1000), flush=True)

while True:
    time.sleep(1)

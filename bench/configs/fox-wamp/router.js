// fox-wamp as the benchmark runs it: one realm, anonymous sessions, WAMP over WebSocket at /ws on 127.0.0.1.
// usage: node router.js PORT  (NODE_PATH names the folder where fox-wamp is installed)
const FoxRouter = require('fox-wamp')

const router = new FoxRouter()
router.getRealm('realm1', () => router.listenWAMP({ host: '127.0.0.1', port: Number(process.argv[2]), path: '/ws' }))

"""Messages and conversations as data."""

import txaio

txaio.use_twisted()  # autobahn's serializers want to know before they are imported

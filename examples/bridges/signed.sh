#!/bin/sh
# Publish by a signed request, with openssl and curl: sh examples/bridges/signed.sh
url=${SENSORS_URL:-http://127.0.0.1:8080/sensors}
key=cellar
secret=${CELLAR_SECRET:-a secret for this example alone}

body='{"topic": "com.example.reading.cellar", "args": [7.5]}'
target=/${url#*://*/}
now=$(date +%s)
nonce=$(openssl rand -hex 16)
digest=$(printf %s "$body" | openssl dgst -sha256 -r | cut -d' ' -f1)
signature=$(printf 'wampd-v1\nPOST\n%s\n%s\n%s\n%s\n%s' "$target" "$now" "$nonce" "$key" "$digest" |
  openssl dgst -sha256 -hmac "$secret" -r | cut -d' ' -f1)

for attempt in "the request" "the same again"; do
  status=$(curl -s -o /dev/null -w '%{http_code}' "$url" -H 'Content-Type: application/json' \
    -H "Wampd-Signature: t=$now,n=$nonce,k=$key,v1=$signature" -d "$body")
  echo "$attempt: $status"
done

// A guest in Go, with nothing but Go's own library: offers com.example.reverse.
//
// It joins by RawSocket in JSON over the router's private Unix socket, as who it is by what the router has put into its
// environment. It ends when its session does; the router starts it again.
//
// Sources: the WAMP specification, "RawSocket" for frames, "Message Definitions" for the numbers of messages.
package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"os"
)

const procedure = "com.example.reverse"

type object map[string]any

func main() {
	log.SetFlags(0) // the router's log has the time
	conn, err := net.Dial("unix", os.Getenv("WAMPD_SOCKET"))
	check(err)
	_, err = conn.Write([]byte{0x7f, 0xf1, 0, 0}) // up to 16 MiB a message, JSON
	check(err)
	answer := make([]byte, 4)
	_, err = io.ReadFull(conn, answer)
	check(err)
	if answer[0] != 0x7f || answer[1]&0x0f != 1 {
		log.Fatalf("no RawSocket with JSON there: % x", answer)
	}
	send(conn, 1, os.Getenv("WAMPD_REALM"), object{ // HELLO
		"roles": object{"callee": object{}}, "authmethods": []string{"ticket"}, "authid": os.Getenv("WAMPD_AUTHID"),
	})
	for {
		serve(conn, receive(conn))
	}
}

// What the router has said, element by element: a number of a message may be longer than a float64 is exact.
func serve(conn net.Conn, message []json.RawMessage) {
	switch kind := string(message[0]); kind {
	case "4": // CHALLENGE: AUTHENTICATE
		send(conn, 5, os.Getenv("WAMPD_TICKET"), object{})
	case "2": // WELCOME: REGISTER
		send(conn, 64, 1, object{}, procedure)
	case "65": // REGISTERED
		fmt.Println("serving", procedure)
	case "68": // INVOCATION: YIELD, or ERROR
		var texts []string
		if len(message) < 5 || json.Unmarshal(message[4], &texts) != nil || len(texts) != 1 {
			send(conn, 8, 68, message[1], object{}, "wamp.error.invalid_argument", []string{"expected one text"})
			return
		}
		send(conn, 70, message[1], object{}, []string{reverse(texts[0])})
	case "6": // GOODBYE
		send(conn, 6, object{}, "wamp.close.goodbye_and_out")
		os.Exit(0)
	case "3", "8": // ABORT; ERROR, the answer to what may not be registered
		log.Fatalf("refused: %s", message[1:])
	}
}

func reverse(text string) string {
	letters := []rune(text)
	for i, j := 0, len(letters)-1; i < j; i, j = i+1, j-1 {
		letters[i], letters[j] = letters[j], letters[i]
	}
	return string(letters)
}

func send(conn net.Conn, message ...any) {
	payload, err := json.Marshal(message)
	check(err)
	frame(conn, 0, payload)
}

func frame(conn net.Conn, kind byte, payload []byte) {
	head := binary.BigEndian.AppendUint32(nil, uint32(kind)<<24|uint32(len(payload)))
	_, err := conn.Write(append(head, payload...))
	check(err)
}

func receive(conn net.Conn) (message []json.RawMessage) {
	for {
		head := make([]byte, 4)
		_, err := io.ReadFull(conn, head)
		check(err)
		payload := make([]byte, binary.BigEndian.Uint32(head)&0xffffff)
		_, err = io.ReadFull(conn, payload)
		check(err)
		switch head[0] {
		case 0:
			check(json.Unmarshal(payload, &message))
			return message
		case 1: // PING: PONG
			frame(conn, 2, payload)
		}
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

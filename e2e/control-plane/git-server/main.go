// Command git-server serves bare repositories over smart HTTP with go-git instead of git itself, so that tests meet a
// second implementation of the protocol. It listens on a free port of the loopback address, which it prints.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/go-git/go-billy/v6/osfs"
	"github.com/go-git/go-git/v6/backend"
	"github.com/go-git/go-git/v6/plumbing/transport"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: git-server <directory of bare repositories>")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatalf("failed to listen: %v", err)
	}
	fmt.Println(listener.Addr())
	repositories := backend.New(transport.NewFilesystemLoader(osfs.New(os.Args[1]), false))
	repositories.ErrorLog = log.Default()
	log.Fatal(http.Serve(listener, repositories))
}

// A client by grpc-go. Prints one line a step: its name and what came of it.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	identify = "/utterson.v1.IdentityService/Identify"
	stream   = "/utterson.v1.IdentityService/StreamResolve"
	callers  = 8
)

// raw leaves messages as they are.
type raw struct{}

func (raw) Name() string                    { return "raw" }
func (raw) Marshal(v any) ([]byte, error)   { return v.([]byte), nil }
func (raw) Unmarshal(d []byte, v any) error { *v.(*[]byte) = append([]byte(nil), d...); return nil }

func main() {
	alive := keepalive.ClientParameters{Time: 10 * time.Second, Timeout: time.Second, PermitWithoutStream: true}
	channel, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{}), grpc.CallContentSubtype("proto")),
		grpc.WithKeepaliveParams(alive))
	if err != nil {
		panic(err)
	}
	switch os.Args[2] {
	case "drain":
		drain(channel)
	case "alive":
		stays(channel)
	default:
		steps(channel)
	}
}

func call(ctx context.Context, channel *grpc.ClientConn, sent []byte, options ...grpc.CallOption) ([]byte, error) {
	var told []byte
	err := channel.Invoke(ctx, identify, sent, &told, options...)
	return told, err
}

func steps(channel *grpc.ClientConn) {
	everyday := context.Background()
	told, err := call(everyday, channel, []byte("ok"))
	fmt.Println("unary:", string(told), status.Code(err))

	_, err = call(everyday, channel, []byte("refuse"))
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			fmt.Println("refusal:", info.Reason, status.Code(err))
		}
	}

	var trailer metadata.MD
	marked := metadata.AppendToOutgoingContext(everyday, "x-request-id", "mine")
	_, err = call(marked, channel, []byte("ok"), grpc.Trailer(&trailer))
	fmt.Println("request id:", trailer.Get("x-request-id"), status.Code(err))

	short, end := context.WithTimeout(everyday, 200*time.Millisecond)
	_, err = call(short, channel, []byte("never"))
	end()
	fmt.Println("deadline:", status.Code(err))

	gone, leave := context.WithCancel(everyday)
	time.AfterFunc(200*time.Millisecond, leave)
	_, err = call(gone, channel, []byte("never"))
	fmt.Println("cancelled:", status.Code(err))

	long := bytes.Repeat([]byte("zip"), 100_000)
	told, err = call(everyday, channel, long, grpc.UseCompressor(gzip.Name))
	fmt.Println("gzip:", bytes.Equal(told, long), status.Code(err))

	_, err = call(everyday, channel, make([]byte, 2_000_000))
	fmt.Println("too large:", status.Code(err))

	streams(channel)
}

func streams(channel *grpc.ClientConn) {
	description := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	both, err := channel.NewStream(context.Background(), description, stream)
	if err != nil {
		panic(err)
	}
	answers := 0
	for number := byte(1); number <= 3; number++ {
		var told []byte
		if both.SendMsg([]byte{8, number}) == nil && both.RecvMsg(&told) == nil && bytes.Equal(told, []byte{8, number}) {
			answers++
		}
	}
	var told []byte
	err = both.CloseSend()
	if err == nil {
		err = both.RecvMsg(&told)
	}
	fmt.Println("stream:", answers, err == io.EOF)
}

// drain calls until the server goes, and tells which codes there were.
func drain(channel *grpc.ClientConn) {
	codes := map[string]int{}
	var lock sync.Mutex
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for {
				_, err := call(context.Background(), channel, []byte("ok"))
				lock.Lock()
				codes[status.Code(err).String()]++
				if codes["OK"] == callers {
					fmt.Println("calling")
				}
				lock.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	group.Wait()
	delete(codes, "OK")
	fmt.Println("drain:", codes)
}

// stays waits for two pings and a bit, and calls again on the same connection.
func stays(channel *grpc.ClientConn) {
	_, first := call(context.Background(), channel, []byte("ok"))
	time.Sleep(25 * time.Second)
	state := channel.GetState()
	_, then := call(context.Background(), channel, []byte("ok"))
	fmt.Println("alive:", state, status.Code(first), status.Code(then))
}

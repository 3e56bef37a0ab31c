// Judges small histories by porcupine: is there an order of the calls, true to real time, that one server working
// call by call could have answered so? It knows nothing of revisions, logs or batches.
//
//	porcupine HISTORY.json ...
//
// prints a line for each: its name and Ok, Illegal or Unknown.
package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

const patience = time.Minute

// call is one call of a history; times are nanoseconds. A call whose outcome nobody knows has no return.
type call struct {
	Client      int      `json:"client"`
	Began       int64    `json:"began"`
	Ended       int64    `json:"ended"`
	Unknown     bool     `json:"unknown"`
	Search      bool     `json:"search"`
	Identifiers []string `json:"identifiers"`
	Outcome     string   `json:"outcome"`
	Profile     uint64   `json:"profile"`
}

// profile holds identifiers; its id is 0 until somebody was told it.
type profile struct {
	id          uint64
	identifiers []string
}

// world is all profiles, oldest first. A step makes a new one.
type world []profile

func (before world) holders(identifiers []string) []int {
	var found []int
	for place, one := range before {
		if slices.ContainsFunc(identifiers, func(identifier string) bool { return slices.Contains(one.identifiers, identifier) }) {
			found = append(found, place)
		}
	}
	return found
}

// told are the ids of which somebody was told that the profile is new. One that nobody was told of may have any other.
type told map[uint64]bool

// named tells whether a profile may be the one that a caller was told of, and notes its id.
func (after world) named(place int, id uint64, isNew bool, created told) bool {
	if after[place].id == 0 && created[id] != isNew {
		return false
	}
	for other, one := range after {
		if one.id == id && other != place {
			return false
		}
	}
	if after[place].id == 0 {
		after[place].id = id
	}
	return after[place].id == id
}

func (before world) copied() world {
	after := make(world, 0, len(before)+1)
	for _, one := range before {
		after = append(after, profile{one.id, slices.Clone(one.identifiers)})
	}
	return after
}

func (one *profile) take(identifiers []string) {
	one.identifiers = append(one.identifiers, identifiers...)
	slices.Sort(one.identifiers)
	one.identifiers = slices.Compact(one.identifiers)
}

func search(before world, answer call, created told) (bool, world) {
	holders := before.holders(answer.Identifiers)
	if len(holders) == 0 || answer.Outcome == "NO_MATCH" {
		return len(holders) == 0 && answer.Outcome == "NO_MATCH", before
	}
	after := before.copied()
	return answer.Outcome == "MATCHED" && after.named(holders[0], answer.Profile, false, created), after
}

func identify(before world, answer call, created told) (bool, world) {
	after := before.copied()
	holders := after.holders(answer.Identifiers)
	outcome, place := "MATCHED", 0
	switch len(holders) {
	case 0:
		outcome, place = "CREATED", len(after)
		after = append(after, profile{})
	case 1:
		place = holders[0]
	default:
		// The oldest survives.
		outcome, place = "MERGED", holders[0]
		for _, loser := range slices.Backward(holders[1:]) {
			after[place].take(after[loser].identifiers)
			after = slices.Delete(after, loser, loser+1)
		}
	}
	after[place].take(answer.Identifiers)
	if answer.Unknown {
		return true, after
	}
	return answer.Outcome == outcome && after.named(place, answer.Profile, outcome == "CREATED", created), after
}

func model(created told) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return world(nil) },
		Step: func(state, input, _ any) (bool, any) {
			before, one := state.(world), input.(call)
			step := identify
			if one.Search {
				step = search
			}
			fits, after := step(before, one, created)
			return fits, after
		},
		Equal: func(one, other any) bool {
			return slices.EqualFunc(one.(world), other.(world), func(a, b profile) bool {
				return a.id == b.id && slices.Equal(a.identifiers, b.identifiers)
			})
		},
	}
}

func judged(name string) (porcupine.CheckResult, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return porcupine.Unknown, err
	}
	var calls []call
	if err := json.Unmarshal(text, &calls); err != nil {
		return porcupine.Unknown, err
	}
	history := make([]porcupine.Operation, 0, len(calls))
	created := told{}
	for _, one := range calls {
		if one.Unknown && one.Search {
			// It changed nothing, and nobody knows what it found.
			continue
		}
		if one.Unknown {
			one.Ended = math.MaxInt64
		} else if one.Outcome == "CREATED" {
			created[one.Profile] = true
		}
		history = append(history, porcupine.Operation{
			ClientId: one.Client, Input: one, Call: one.Began, Output: one, Return: one.Ended,
		})
	}
	return porcupine.CheckOperationsTimeout(model(created), history, patience), nil
}

func main() {
	for _, name := range os.Args[1:] {
		result, err := judged(name)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		fmt.Println(name, result)
	}
}

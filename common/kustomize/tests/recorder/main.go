// Command recorder records what Flux's own library makes of the cases in ../it/flux: the root kustomization file it
// generates and the result of the build that follows. See ORIGIN.md.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/fluxcd/pkg/kustomize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func main() {
	cases := filepath.Join("..", "it", "flux")
	names := os.Args[1:]
	if len(names) == 0 {
		entries, err := os.ReadDir(cases)
		check(err)
		for _, entry := range entries {
			names = append(names, entry.Name())
		}
	}
	for _, name := range names {
		record(filepath.Join(cases, name))
	}
	fmt.Printf("recorded %d cases\n", len(names))
}

// record builds one case in a copy of its tree, since the library writes the root file into it.
func record(folder string) {
	for _, stale := range []string{"expected-kustomization.yaml", "expected.yaml", "expected-error.txt"} {
		if err := os.Remove(filepath.Join(folder, stale)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			log.Fatal(err)
		}
	}
	scratch, err := os.MkdirTemp("", "recorder-")
	check(err)
	defer os.RemoveAll(scratch)
	root := filepath.Join(scratch, "some", "where", "tree")
	check(copyTree(filepath.Join(folder, "input"), root))

	generated, built, err := build(root, folder)
	if generated != nil {
		write(folder, "expected-kustomization.yaml", generated, scratch, root)
	}
	if err != nil {
		write(folder, "expected-error.txt", []byte(err.Error()+"\n"), scratch, root)
		return
	}
	write(folder, "expected.yaml", built, scratch, root)
}

func build(root, folder string) (generated, built []byte, err error) {
	object := unstructured.Unstructured{}
	text, err := os.ReadFile(filepath.Join(folder, "object.yaml"))
	check(err)
	check(yaml.Unmarshal(text, &object.Object))
	target, err := os.ReadFile(filepath.Join(folder, "target"))
	check(err)
	directory := filepath.Join(root, strings.TrimSpace(string(target)))

	generator := kustomize.NewGenerator(root, object)
	generated, _, _, err = generator.GenerateManifest(directory)
	if err != nil {
		return nil, nil, err
	}
	if _, err = generator.WriteFile(directory); err != nil {
		return generated, nil, err
	}
	resources, err := kustomize.SecureBuild(root, directory, false)
	if err != nil {
		return generated, nil, err
	}
	built, err = resources.AsYaml()
	return generated, built, err
}

// write names the tree and what lies around it independently of the machine.
func write(folder, name string, content []byte, scratch, root string) {
	content = bytes.ReplaceAll(content, []byte(root), []byte("<root>"))
	content = bytes.ReplaceAll(content, []byte(scratch), []byte("<outside>"))
	check(os.WriteFile(filepath.Join(folder, name), content, 0o644))
}

// copyTree keeps symbolic links as they are.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		destination := filepath.Join(to, relative)
		switch {
		case entry.IsDir():
			return os.MkdirAll(destination, 0o755)
		case entry.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(link, destination)
		default:
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(destination, content, 0o644)
		}
	})
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

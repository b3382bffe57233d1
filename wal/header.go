package wal

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

const (
	fileHeaderSize = 64
	formatVersion  = 1
	knownFeatures  = 0

	// fileMagic begins every log: a high bit, so that no text file matches;
	// CR LF and LF, so that a transfer that changes line ends is seen; and
	// 0x1A, so that a terminal stops.
	fileMagic = "\x89EMD\r\n\x1a\n"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// fileHeader is the first 64 bytes of a log. Magic, version, features and CRC
// keep their places in every version, so that an old program can tell a newer
// log from a damaged one.
type fileHeader struct {
	logID      [16]byte
	generation uint64 // from 1, one more with every compaction
	baseSeq    uint64 // sequence number of the first frame
	birth      int64  // end of the frames that were written and synced before the file got its name
}

// encode lays the header out:
//
//	 0        8        16                       32       40       48       56   60   64
//	+--------+----+----+------------------------+--------+--------+--------+----+----+
//	| magic  | ver|feat| log id                 | gener. |base seq| birth  | 0  | CRC|
//	+--------+----+----+------------------------+--------+--------+--------+----+----+
//
// Little-endian; CRC is CRC32C over bytes 0 to 60.
func (h fileHeader) encode() []byte {
	b := make([]byte, fileHeaderSize)
	copy(b, fileMagic)
	le := binary.LittleEndian
	le.PutUint32(b[8:], formatVersion)
	le.PutUint32(b[12:], knownFeatures)
	copy(b[16:32], h.logID[:])
	le.PutUint64(b[32:], h.generation)
	le.PutUint64(b[40:], h.baseSeq)
	le.PutUint64(b[48:], uint64(h.birth))
	le.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
	return b
}

// decodeFileHeader reads what encode made. The error is a *VersionError or a
// *CorruptError about path.
func decodeFileHeader(b []byte, path string) (fileHeader, error) {
	damaged := func(why string) error {
		return &CorruptError{Path: path, From: 0, To: fileHeaderSize, Lost: "the file header: " + why}
	}
	if len(b) < fileHeaderSize {
		return fileHeader{}, damaged("the file is too short")
	}
	if string(b[:8]) != fileMagic {
		return fileHeader{}, damaged("this is not a log")
	}
	le := binary.LittleEndian
	if crc32.Checksum(b[:60], castagnoli) != le.Uint32(b[60:]) {
		return fileHeader{}, damaged("its checksum is wrong")
	}
	version, features := le.Uint32(b[8:]), le.Uint32(b[12:])
	if version != formatVersion || features&^knownFeatures != 0 {
		return fileHeader{}, &VersionError{Path: path, Version: version, Features: features &^ knownFeatures}
	}
	h := fileHeader{
		generation: le.Uint64(b[32:]),
		baseSeq:    le.Uint64(b[40:]),
		birth:      int64(le.Uint64(b[48:])),
	}
	copy(h.logID[:], b[16:32])
	if h.birth < fileHeaderSize {
		return fileHeader{}, damaged("it contradicts itself")
	}
	return h, nil
}

// salt is what every frame of this log and generation begins with, so that a
// frame of another log or an older generation is no frame here.
func (h fileHeader) salt() uint32 {
	b := binary.LittleEndian.AppendUint64(h.logID[:], h.generation)
	return crc32.Checksum(b, castagnoli)
}

// start is the position of the first frame. The chain begins with the header.
func (h fileHeader) start() position {
	return position{off: fileHeaderSize, seq: h.baseSeq, chain: crc32.Checksum(h.encode()[:60], castagnoli)}
}

func newFileHeader() (fileHeader, error) {
	h := fileHeader{generation: 1, baseSeq: 1, birth: fileHeaderSize}
	if _, err := rand.Read(h.logID[:]); err != nil {
		return fileHeader{}, fmt.Errorf("make a log id: %w", err)
	}
	return h, nil
}

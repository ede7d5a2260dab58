// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice A verifier of data possession with the published storage layout and proof rules of FilOzone's
/// PDPVerifier 3.5, to prove against in tests. Written from its rules; fees, listeners, upgrades and the
/// deletion queue are left out, and `beacon` stands where Filecoin has the precompile 0xfe..06.
contract PossessionVerifier {
    /// @notice A PieceCIDv2.
    struct Cid {
        bytes data;
    }

    /// @notice A piece in the compact layout.
    struct PieceV2 {
        bytes32 root;
        uint256 metadata;
    }

    /// @notice A challenged leaf and its path.
    struct Proof {
        bytes32 leaf;
        bytes32[] proof;
    }

    error NotTheProvider(address got, address expected);
    error EmptyProof();
    error NoChallenge();
    error Premature(uint256 got, uint256 expected);
    error NoBeacon(uint256 epoch);
    error LeafOutOfBounds(uint256 got, uint256 expected);
    error PathLength(uint256 got, uint256 expected);
    error Root(bytes32 got, bytes32 expected);
    error NotAPieceCid();

    event PossessionProven(uint256 indexed setId, uint256[] pieceIds);

    // slots 0 to 20 as src/PDPVerifierLayout.json has them
    uint256 internal deprecatedChallengeFinality;
    uint64 public nextDataSetId = 1;
    mapping(uint256 => mapping(uint256 => Cid)) internal pieceCids;
    mapping(uint256 => mapping(uint256 => uint256)) internal pieceLeafCounts;
    mapping(uint256 => mapping(uint256 => uint256)) internal sumTreeCounts;
    mapping(uint256 => uint256) internal nextPieceId;
    mapping(uint256 => uint256) public dataSetLeafCount;
    mapping(uint256 => uint256) public nextChallengeEpoch;
    mapping(uint256 => address) internal dataSetListener;
    mapping(uint256 => uint256) public challengeRange;
    mapping(uint256 => uint256[]) internal scheduledRemovals;
    mapping(uint256 => mapping(uint256 => uint256)) internal scheduledRemovalsBitmap;
    mapping(uint256 => address) public storageProvider;
    mapping(uint256 => address) internal dataSetProposedStorageProvider;
    mapping(uint256 => uint256) public dataSetLastProvenEpoch;
    uint256 internal feeStatus;
    uint256 internal nextUpgrade;
    mapping(uint256 => uint256) internal cleanupDeposit;
    mapping(uint256 => uint256) internal deprecatedCleanupModeEpoch;
    mapping(uint256 => PieceV2[]) internal compactPieces;
    uint64 public legacyPieceStorageIdLimit;
    // not part of the layout
    mapping(uint256 epoch => uint256 digest) public beacon;

    /// @notice Says what the precompile would answer for an epoch.
    function setBeacon(uint256 epoch, uint256 digest) external {
        beacon[epoch] = digest;
    }

    /// @notice From here on, new data sets are compact.
    function cutOver() external {
        if (legacyPieceStorageIdLimit == 0) legacyPieceStorageIdLimit = nextDataSetId;
    }

    /// @notice Makes a data set of the sender.
    function createDataSet() external returns (uint256 setId) {
        setId = nextDataSetId++;
        storageProvider[setId] = msg.sender;
    }

    /// @notice Adds pieces behind those that are there.
    function addPieces(uint256 setId, Cid[] calldata pieces) external onlyProvider(setId) {
        for (uint256 i = 0; i < pieces.length; i++) {
            addOnePiece(setId, pieces[i].data);
        }
    }

    /// @notice Takes a piece out; its id stays used.
    function removePiece(uint256 setId, uint256 pieceId) external onlyProvider(setId) {
        bool legacy = usesLegacyPieceStorage(setId);
        uint256 count = pieceCount(setId, legacy);
        uint256 leaves = legacy
            ? pieceLeafCounts[setId][pieceId]
            : (compactPieces[setId][pieceId].metadata >> 61) & (2 ** 51 - 1);
        for (uint256 node = pieceId; node < count; node += lowestBit(node + 1)) {
            if (legacy) sumTreeCounts[setId][node] -= leaves;
            else compactPieces[setId][node].metadata -= leaves << 112;
        }
        if (legacy) {
            delete pieceCids[setId][pieceId];
            delete pieceLeafCounts[setId][pieceId];
        } else {
            compactPieces[setId][pieceId].root = 0;
            compactPieces[setId][pieceId].metadata &= ~uint256(2 ** 112 - 1);
        }
        dataSetLeafCount[setId] -= leaves;
    }

    /// @notice Brings all pieces into the range of the next challenge, at `epoch`.
    function nextProvingPeriod(uint256 setId, uint256 epoch) external onlyProvider(setId) {
        challengeRange[setId] = dataSetLeafCount[setId];
        nextChallengeEpoch[setId] = epoch;
    }

    /// @notice Rules P1 to P8.
    function provePossession(uint256 setId, Proof[] calldata proofs)
        external
        payable
        onlyProvider(setId)
    {
        require(proofs.length > 0, EmptyProof());
        uint256 epoch = nextChallengeEpoch[setId];
        require(epoch != 0, NoChallenge());
        require(block.number >= epoch, Premature(block.number, epoch));
        uint256 seed = beacon[epoch];
        require(seed != 0, NoBeacon(epoch));
        uint256[] memory pieceIds = new uint256[](proofs.length);
        for (uint64 i = 0; i < proofs.length; i++) {
            uint256 leaf =
                uint256(keccak256(abi.encodePacked(seed, setId, i))) % challengeRange[setId];
            pieceIds[i] = verify(setId, leaf, proofs[i]);
        }
        dataSetLastProvenEpoch[setId] = block.number;
        emit PossessionProven(setId, pieceIds);
    }

    /// @notice The piece that holds a leaf of a data set, and the leaf's place in it.
    function findPiece(uint256 setId, uint256 leaf) public view returns (uint256, uint256) {
        require(leaf < dataSetLeafCount[setId], LeafOutOfBounds(leaf, dataSetLeafCount[setId]));
        bool legacy = usesLegacyPieceStorage(setId);
        uint256 count = pieceCount(setId, legacy);
        uint256 width = 1;
        while (width <= count) width <<= 1;
        uint256 node = width - 1;
        uint256 before = 0;
        // down to a node of one piece, then past it if the leaf lies behind
        while (true) {
            bool right = false;
            if (node < count) {
                uint256 upTo = before + sumAt(setId, node, legacy);
                right = upTo <= leaf;
                if (right) before = upTo;
            }
            width >>= 1;
            if (width == 0) return (right ? node + 1 : node, leaf - before);
            node = right ? node + width : node - width;
        }
        revert LeafOutOfBounds(leaf, leaf);
    }

    function verify(uint256 setId, uint256 leaf, Proof calldata proof)
        internal
        view
        returns (uint256 pieceId)
    {
        uint256 position;
        (pieceId, position) = findPiece(setId, leaf);
        (bytes32 root, uint256 height) = rootAndHeight(setId, pieceId);
        require(proof.proof.length == height, PathLength(proof.proof.length, height));
        bytes32 node = proof.leaf;
        for (uint256 i = 0; i < height; i++) {
            bytes32 sibling = proof.proof[i];
            node = position % 2 == 0 ? sha254(node, sibling) : sha254(sibling, node);
            position /= 2;
        }
        require(node == root, Root(node, root));
    }

    function addOnePiece(uint256 setId, bytes calldata cid) internal {
        (uint256 padding, uint256 height, bytes32 root) = decode(cid);
        uint256 leaves = 2 ** height - ((128 * padding) / 127) / 32;
        bool legacy = usesLegacyPieceStorage(setId);
        uint256 pieceId = pieceCount(setId, legacy);
        uint256 sum = leaves;
        for (uint256 below = 1; below < lowestBit(pieceId + 1); below <<= 1) {
            sum += sumAt(setId, pieceId - below, legacy);
        }
        if (legacy) {
            nextPieceId[setId] = pieceId + 1;
            sumTreeCounts[setId][pieceId] = sum;
            pieceCids[setId][pieceId].data = cid;
            pieceLeafCounts[setId][pieceId] = leaves;
        } else {
            uint256 metadata = padding | (height << 55) | (leaves << 61) | (sum << 112);
            compactPieces[setId].push(PieceV2(root, metadata));
        }
        dataSetLeafCount[setId] += leaves;
    }

    /// @dev 01559120 ‖ length ‖ varint padding ‖ height ‖ root
    function decode(bytes calldata cid)
        internal
        pure
        returns (uint256 padding, uint256 height, bytes32 root)
    {
        require(cid.length >= 39 && bytes4(cid[:4]) == 0x01559120, NotAPieceCid());
        require(uint8(cid[4]) == cid.length - 5, NotAPieceCid());
        uint256 next = 5;
        for (uint256 shift = 0;; shift += 7) {
            uint256 byte_ = uint8(cid[next++]);
            padding |= (byte_ & 0x7f) << shift;
            if (byte_ < 0x80) break;
        }
        require(next + 33 == cid.length, NotAPieceCid());
        height = uint8(cid[next]);
        root = bytes32(cid[next + 1:]);
        require(height <= 50 && (128 * padding) / 127 < 2 ** (height + 5), NotAPieceCid());
    }

    function rootAndHeight(uint256 setId, uint256 pieceId)
        internal
        view
        returns (bytes32 root, uint256 height)
    {
        if (!usesLegacyPieceStorage(setId)) {
            PieceV2 storage piece = compactPieces[setId][pieceId];
            return (piece.root, (piece.metadata >> 55) & 0x3f);
        }
        bytes memory cid = pieceCids[setId][pieceId].data;
        height = uint8(cid[cid.length - 33]);
        assembly ("memory-safe") {
            root := mload(add(cid, mload(cid)))
        }
    }

    function usesLegacyPieceStorage(uint256 setId) internal view returns (bool) {
        return legacyPieceStorageIdLimit == 0 || setId < legacyPieceStorageIdLimit;
    }

    function pieceCount(uint256 setId, bool legacy) internal view returns (uint256) {
        return legacy ? nextPieceId[setId] : compactPieces[setId].length;
    }

    function sumAt(uint256 setId, uint256 node, bool legacy) internal view returns (uint256) {
        if (legacy) return sumTreeCounts[setId][node];
        return (compactPieces[setId][node].metadata >> 112) & (2 ** 143 - 1);
    }

    function lowestBit(uint256 x) internal pure returns (uint256) {
        unchecked {
            return x & (~x + 1);
        }
    }

    function sha254(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(left, right)) & ~bytes32(uint256(0xc0));
    }

    modifier onlyProvider(uint256 setId) {
        require(
            msg.sender == storageProvider[setId], NotTheProvider(msg.sender, storageProvider[setId])
        );
        _;
    }
}
